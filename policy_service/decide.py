"""The main use case: one event, one decision, once.

`decide_event` runs inside a transaction of the ledger. It reads what the log says of the event and
its conversation, lets the rules decide, and appends: that is its only write, and its last step.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, SALT_SIZE, Kind, Personal, commitment, format_time
from policy_service.policies import enter_workspace
from policy_service.problems import Problem
from rules.canonical import canonical
from rules.derive import Conversation, derive
from rules.render import actions
from rules.vocabulary import QUESTIONS, WAITING_STAGES, ActionType

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.store import Snapshot, Transaction
    from policy_service.policies import Policies
    from rules.compile import Policy
    from rules.event import Event

Leaf = dict[str, Any]

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_BASE_32 = [first + second for first in _DIGITS for second in _DIGITS]
_SHIFTS = range(120, -1, -10)
_PLACES = {
    name: place
    for place, name in enumerate(
        ("id", "type", "value", "label", "fields", "team", "teammate", "tag", "text", "choices")
    )
}
"""Where the members of an action stand; the deadline is the last."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The decision's entry; `replayed` where it was decided before and nothing was written."""

    entry: Entry
    replayed: bool


def decide_event(event: Event, policies: Policies, tx: Transaction) -> Answer:
    """Decide the event, or find its decision. Problem `event_id_reused` where its id is taken."""
    workspace = event["workspace"]["id"]
    body = canonical(event)
    if seen := tx.decision(workspace, event["id"]):
        return Answer(same_event(tx, seen, body), replayed=True)
    at = format_time(tx.now)
    enter_workspace(tx, workspace, at)
    before = tx.latest_decision(workspace, event["conversation"]["id"])
    last = before.value if before else None
    version, policy = deciding(tx, policies, workspace, last)
    leaf = {"at": at, **decision_leaf(event, version, policy, conversation_of(last))}
    salt = secrets.token_bytes(SALT_SIZE)
    leaf["commitment"] = commitment(salt, body)
    personal = Personal(event["contact"]["id"], salt, body)
    return Answer(tx.append(workspace, leaf, personal), replayed=False)


def same_event(snapshot: Snapshot, seen: Entry, body: bytes) -> Entry:
    """The entry seen, where it decided the event with this canonical JSON.

    What tells is the commitment. Where the personal part was erased, the event's id alone does.
    """
    personal = snapshot.personal(seen.log, seen.index)
    if personal and commitment(personal.salt, body) != seen.value["commitment"]:
        raise Problem("event_id_reused", "Another event was decided under this id")
    return seen


def deciding(
    snapshot: Snapshot, policies: Policies, workspace: str, last: Leaf | None
) -> tuple[int, Policy]:
    """The version that decides next: the conversation's own, else the active one; its policy."""
    if last and last["stage"] in WAITING_STAGES:
        return last["policy"]["version"], policies.compiled(snapshot, last["policy"]["digest"])
    active = policies.active(snapshot, workspace)
    return active.number, policies.compiled(snapshot, active.digest)


def decision_leaf(
    event: Event, version: int | None, policy: Policy, conversation: Conversation
) -> Leaf:
    """The decision on an event as its leaf has it, but for `at` and `commitment`.

    `version` is None for a policy that is no version, and then nothing can be recorded.
    """
    facts = derive(policy.document, event, conversation)
    language = conversation.language if conversation.begun else facts.get("message.language")
    ruling = policy.decide(facts)
    identity = decision_id(event["workspace"]["id"], event["id"])
    stage = ruling.stage or str(facts["conversation.stage"])
    asked = actions(
        ruling,
        policy.bound,
        identity,
        event["occurred_at"],
        (facts.get("message.language"), language),
    )
    leaf: Leaf = {
        "format": FORMAT,
        "kind": Kind.DECISION.value,
        "workspace": event["workspace"]["id"],
        "id": identity,
        "event": event["id"],
        "conversation": event["conversation"]["id"],
        "occurred_at": event["occurred_at"],
        "facts": facts,
        "policy": {"version": version, "digest": policy.document.digest},
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "rule": ruling.rule,
        "stage": stage,
        "actions": asked,
    }
    question = open_question(stage, asked, conversation)
    optional = {"language": language, "question": question}
    return leaf | {name: value for name, value in optional.items() if value is not None}


def conversation_of(last: Leaf | None) -> Conversation:
    """What the conversation's last decision says of it."""
    if last is None:
        return Conversation()
    asked = any(action["type"] == ActionType.ASK for action in last["actions"])
    return Conversation(
        stage=last["stage"],
        asks=last["facts"]["conversation.asks"] + asked,
        question=last.get("question"),
        language=last.get("language"),
        begun=True,
    )


def open_question(stage: str, asked: list[Leaf], conversation: Conversation) -> str | None:
    """The id of the action whose question is open after a decision: the newest while one waits."""
    if stage not in WAITING_STAGES:
        return None
    questions = [action["id"] for action in asked if action["type"] in QUESTIONS]
    return questions[-1] if questions else conversation.question


def decision_id(workspace: str, event: str) -> str:
    """The same for the same event, on any machine and whatever became of an earlier ledger."""
    hashed = hashlib.sha256(f"{workspace}/{event}".encode()).digest()
    number = int.from_bytes(hashed[:16]) << 2  # 26 digits of 5 bits, as RFC 4648 pads 128 bits
    return "dec-" + "".join([_BASE_32[number >> shift & 1023] for shift in _SHIFTS])


def decision_view(entry: Entry) -> dict[str, Any]:
    """The decision as it is answered; the same for the same entry, always."""
    leaf = entry.value
    return {
        **decision_of(leaf),
        "decided_at": leaf["at"],
        "ledger": {
            "log": entry.log,
            "index": entry.index,
            "leaf_hash": base64.b64encode(entry.leaf_hash).decode(),
        },
    }


def decision_of(leaf: Leaf) -> dict[str, Any]:
    """The decision that a leaf holds, but for where and when it was recorded."""
    return {
        "id": leaf["id"],
        "event": leaf["event"],
        "workspace": leaf["workspace"],
        "conversation": leaf["conversation"],
        "outcome": leaf["outcome"],
        "reason": leaf["reason"],
        "rule": leaf["rule"],
        "stage": leaf["stage"],
        "policy": {"version": leaf["policy"]["version"], "digest": leaf["policy"]["digest"]},
        "actions": [action_view(action) for action in leaf["actions"]],
    }


def action_view(action: Leaf) -> Leaf:
    """The action with its members in the order of SPEC; a leaf has them in that of RFC 8785."""
    ordered = {name: action[name] for name in sorted(action, key=_place)}
    if "choices" in action:
        ordered["choices"] = [action_view(choice) for choice in action["choices"]]
    return ordered


def _place(member: str) -> int:
    return _PLACES.get(member, len(_PLACES))
