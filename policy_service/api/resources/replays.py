"""Replays: what was decided is decided again, by its own versions or by a candidate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from policy_service.api.requests import LARGEST_DOCUMENT_BODY, Number, json_as, query
from policy_service.api.resources.versions import Written, document_from
from policy_service.api.responses import answer
from policy_service.api.schemas.common import STRICT, Digest, Time
from policy_service.policies.policy_cache import BUILTIN
from policy_service.problems import ProblemCode, ProblemError
from policy_service.replays.backtest_parts import make_period
from policy_service.replays.decision_backtest import BacktestMode
from policy_service.replays.replay_queue import (
    WAIT_SECONDS,
    Replay,
    ReplayState,
    enqueue,
    new_replay_id,
    read_replay,
    replay_view,
)
from rules.errors import Complaint
from rules.formats.timestamps import parse_timestamp
from rules.model.event import Timestamp

if TYPE_CHECKING:
    from flask import Response

    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.services import Services

_NO_CANDIDATE = {"properties": {"version": {"type": "null"}, "document": {"type": "null"}}}
_ONE_OF_THEM: dict[str, Any] = {
    "anyOf": [{"properties": {name: {"type": "null"}}} for name in ("version", "document")],
    "if": _NO_CANDIDATE,
    "then": {"properties": {"mode": {"enum": ["decisions", None]}}},
}


AskedReplay = TypedDict(
    "AskedReplay",
    {
        "version": NotRequired[
            Annotated[Number | None, Field(description="The version that decides: a backtest.")]
        ],
        "document": NotRequired[Written | None],
        "mode": NotRequired[
            Annotated[
                BacktestMode | None,
                Field(
                    strict=False,
                    description="Of a backtest: each decision again with its recorded facts, or "
                    "whole conversations from their first event.",
                ),
            ]
        ],
        "from": NotRequired[
            Annotated[Timestamp | None, Field(description="Only what was decided from then on.")]
        ],
        "to": NotRequired[
            Annotated[Timestamp | None, Field(description="Only what was decided before.")]
        ],
    },
)
"""What decides, and what is decided again; without both, each decision's own version."""
AskedReplay.__pydantic_config__ = ConfigDict(  # type: ignore[attr-defined]  # `from` is no name
    extra="forbid", strict=True, json_schema_extra=_ONE_OF_THEM
)


class Progress(TypedDict):
    """In entries of the log."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    done: int
    total: int


class Difference(TypedDict):
    """One member of one decision that came out otherwise."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    index: int
    decision: str
    member: str
    recorded: Any
    replayed: Any


class ReplayResult(TypedDict):
    """Each decision again with its own version."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    kind: Literal["replay"]
    decisions: int
    identical: int
    differences: list[Difference]
    """The first of them, at most 100."""
    difference_count: int
    """How many differences there are."""


class Pair(TypedDict):
    """How many decisions had the one before, and have the other with the candidate."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    before: str
    after: str
    count: int


class Example(TypedDict):
    """A conversation that changes, from the decision of this index on."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    conversation: str
    index: int


class Conversations(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    changed: int
    undetermined: int
    examples: list[Example]


class BacktestResult(TypedDict):
    """What a candidate would have decided."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    kind: Literal["backtest"]
    decisions: int
    identical: int
    changed: int
    undetermined: int
    outcomes: list[Pair]
    """Every decision that can be told."""
    rules: list[Pair]
    """Those that change, the most frequent first."""
    members: dict[str, int]
    """How many decisions differ in it."""
    conversations: Conversations
    undetermined_reasons: dict[str, int]


class ReplayView(TypedDict):
    """A replay: how far it is, and what it came to."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: Annotated[str, Field(pattern="^rep-[0-9a-f]{16}$")]
    workspace: str
    state: ReplayState
    mode: BacktestMode
    version: int | None
    digest: Digest | None
    """Of the candidate; null where each decision's own version decides."""
    asked_at: Time
    asked_by: str
    progress: Progress
    result: ReplayResult | BacktestResult | None
    """Null until it is done."""
    error: str | None
    """Why it failed."""


ASKED = TypeAdapter(AskedReplay)


def create(service: Services, caller: Key, workspace: str) -> Response:
    """Decide what was recorded again; what takes long goes on after the answer.

    Without `version` and `document` each decision is replayed with its own version, with one of
    them it is a backtest of the candidate. Ask for the replay until its state is `done` or
    `failed`.
    """
    query()
    asked = json_as(ASKED, LARGEST_DOCUMENT_BODY)
    replay = _replay(service, caller, workspace, {**asked})

    def work(tx: Transaction) -> Replay:
        return enqueue(tx, replay)

    entered = service.store.transact(work)
    if service.replays and (thread := service.replays.wake()):
        thread.join(WAIT_SECONDS)
    return answer(replay_view(_current(service, workspace, entered.id)), 201)


def show(service: Services, _: Key, workspace: str, replay: str) -> Response:
    """How far a replay is, and what it came to."""
    query()
    found = _current(service, workspace, replay)
    if service.replays and not found.finished:
        service.replays.wake()
    return answer(replay_view(found))


def _current(service: Services, workspace: str, identity: str) -> Replay:
    with service.store.read() as snapshot:
        kept = snapshot.job(identity)
    if kept is None or kept.log != workspace:
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such replay")
    return read_replay(kept)


def _replay(service: Services, caller: Key, workspace: str, asked: dict[str, Any]) -> Replay:
    version, written = asked.get("version"), asked.get("document")
    if version is not None and written is not None:
        raise _refused("/document", "Give a version or a document")
    mode = asked.get("mode") or BacktestMode.DECISIONS
    if mode is BacktestMode.CONVERSATIONS and version is None and written is None:
        raise _refused("/mode", "Only a candidate is tried on conversations")
    times = [parse_timestamp(asked[name]) if asked.get(name) else None for name in ("from", "to")]
    within = make_period(*times)
    document = None if written is None else document_from(written)
    digest = document.digest if document else None
    if version is not None:
        with service.store.read() as snapshot:
            record = service.policies.versions(snapshot, workspace).get(version)
            held = record is not None and snapshot.document(record.digest) is not None
        if record is None:
            raise ProblemError(ProblemCode.NOT_FOUND, f"There is no version {version}")
        digest = record.digest
        document = None if held else BUILTIN
    return Replay(
        id=new_replay_id(),
        workspace=workspace,
        mode=mode.value,
        version=version,
        digest=digest,
        document=document.canonical_bytes.decode() if document else None,
        since=within.since,
        until=within.until,
        asked_at="",
        asked_by=caller.id,
        size=0,
    )


def _refused(at: str, message: str) -> ProblemError:
    return ProblemError(
        ProblemCode.INVALID_REQUEST,
        "The replay was refused",
        [Complaint(at, "not_allowed", message)],
    )
