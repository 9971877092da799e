"""Replays: recorded decisions are made again, by their own versions or by a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DIGEST
from policy_service.api.requests import MAX_DOCUMENT_BODY, json_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema
from policy_service.problems import ProblemCode
from policy_service.replays.decision_backtest import BacktestMode
from policy_service.replays.replay_queue import WAIT_SECONDS, ReplayState, replay_view
from policy_service.replays.replay_requests import NewReplay, find_replay, request_replay
from rules.formats.strict_json import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services


_NO_CANDIDATE = {"properties": {"version": {"type": "null"}, "document": {"type": "null"}}}


class NewReplaySchema(BodySchema):
    """The candidate and the period; without a candidate each decision's own version decides."""

    json_schema: ClassVar = {
        "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("version", "document")],
        "if": _NO_CANDIDATE,
        "then": {"properties": {"mode": {"enum": ["decisions", None]}}},
    }
    value = NewReplay
    version = fields.number(
        "The version to backtest.", least=0, most=MAX_SAFE_INTEGER, optional=True, nullable=True
    )
    document = fields.received_document(
        "The rule document to backtest, as JSON or as YAML in a text; not together with a version.",
        optional=True,
        nullable=True,
    )
    mode = fields.choice(
        BacktestMode,
        """Backtest each decision with its recorded facts (`decisions`), or whole conversations from
        their first event (`conversations`).""",
        optional=True,
        nullable=True,
    )
    since = fields.received_time(
        "Only decisions of this time and later.", data_key="from", optional=True, nullable=True
    )
    until = fields.received_time(
        "Only decisions before this time.", data_key="to", optional=True, nullable=True
    )


class ReplayProgressSchema(AnswerSchema):
    """The progress of a replay, in entries of the log."""

    done = fields.number()
    total = fields.number()


class ReplayDifferenceSchema(AnswerSchema):
    """One member of one decision that differs."""

    index = fields.number()
    decision = fields.text()
    member = fields.text()
    recorded = fields.any_value()
    replayed = fields.any_value()


class ReplayResultSchema(AnswerSchema):
    """The result of a replay by the decisions' own versions."""

    kind = fields.one_of(["replay"])
    decisions = fields.number()
    identical = fields.number()
    differences = fields.list_of(ReplayDifferenceSchema, "The first differences, at most 100.")
    difference_count = fields.number("The number of differences.")


class ValueChangeSchema(AnswerSchema):
    """The number of decisions with one value before and another value after."""

    before = fields.text()
    after = fields.text()
    count = fields.number()


class ChangedConversationSchema(AnswerSchema):
    """A conversation that changes from the decision with this index on."""

    conversation = fields.text()
    index = fields.number()


class ConversationChangesSchema(AnswerSchema):
    """The conversations that a candidate changes."""

    changed = fields.number()
    undetermined = fields.number()
    examples = fields.list_of(ChangedConversationSchema)


class BacktestResultSchema(AnswerSchema):
    """The decisions that a candidate would have made."""

    kind = fields.one_of(["backtest"])
    decisions = fields.number()
    identical = fields.number()
    changed = fields.number()
    undetermined = fields.number()
    outcomes = fields.list_of(ValueChangeSchema, "The outcomes of all determined decisions.")
    rules = fields.list_of(ValueChangeSchema, "The changed rules, the most frequent first.")
    members = fields.object_of(
        fields.number(), "The number of decisions that differ, by the name of the member."
    )
    conversations = fields.nested(ConversationChangesSchema)
    undetermined_reasons = fields.object_of(fields.number(), "The number of decisions, by reason.")


class ReplaySchema(AnswerSchema):
    """A replay with its progress and its result."""

    id = fields.text(pattern="^rep-[0-9a-f]{16}$")
    workspace = fields.text()
    state = fields.choice(ReplayState)
    mode = fields.choice(BacktestMode)
    version = fields.number(nullable=True)
    digest = fields.digest(
        "The digest of the candidate; null if each decision's own version decides.", nullable=True
    )
    asked_at = fields.time()
    asked_by = fields.text()
    progress = fields.nested(ReplayProgressSchema)
    result = fields.variants(
        (ReplayResultSchema, BacktestResultSchema), "Null until the replay is done.", nullable=True
    )
    error = fields.text("The reason why the replay failed.", nullable=True)


_REPLAY: dict[str, Any] = {
    "id": "rep-0123456789abcdef",
    "workspace": "acme",
    "state": "done",
    "mode": "decisions",
    "version": 1,
    "digest": DIGEST,
    "asked_at": "2026-11-22T18:01:00.440Z",
    "asked_by": "key-2c9f1d6a7b30",
    "progress": {"done": 4, "total": 4},
    "result": {
        "kind": "backtest",
        "decisions": 2,
        "identical": 1,
        "changed": 1,
        "undetermined": 0,
        "outcomes": [
            {"before": "ask", "after": "ask", "count": 1},
            {"before": "not_triggered", "after": "ask", "count": 1},
        ],
        "rules": [{"before": "language-unknown", "after": "ask-if-customer", "count": 1}],
        "members": {"actions": 1, "outcome": 1, "reason": 1, "rule": 1, "stage": 1},
        "conversations": {
            "changed": 1,
            "undetermined": 0,
            "examples": [{"conversation": "c-1", "index": 3}],
        },
        "undetermined_reasons": {},
    },
    "error": None,
}


def start_replay(services: Services, caller: Key, *, workspace: str, body: NewReplay) -> Reply:
    """Start a replay or a backtest.

    A long replay continues after the answer. Without `version` and `document` each decision is
    replayed with its own version. With one of them the replay is a backtest of that candidate. Get
    the replay again until its state is `done` or `failed`.
    """
    replay = request_replay(services.workspace_ledger(caller, workspace), body)
    if services.replays and (thread := services.replays.wake()):
        thread.join(WAIT_SECONDS)
    return Reply(replay_view(find_replay(services.store, workspace, replay.id)))


def get_replay(services: Services, _: Key, *, workspace: str, replay: str) -> Reply:
    """Get the progress and the result of a replay."""
    found = find_replay(services.store, workspace, replay)
    if services.replays and not found.finished:
        services.replays.wake()
    return Reply(replay_view(found))


ROUTES = (
    Route(
        "POST",
        f"{WORKSPACE}/replays",
        start_replay,
        Permission.REPLAY_DECISIONS,
        Content(ReplaySchema, _REPLAY, status=201),
        body=json_body(NewReplaySchema, {"version": 1, "mode": "decisions"}, MAX_DOCUMENT_BODY),
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/replays/<replay>",
        get_replay,
        Permission.REPLAY_DECISIONS,
        Content(ReplaySchema, _REPLAY),
    ),
)
