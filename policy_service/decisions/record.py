"""The leaf that records a decision, and the answer that is made from the leaf."""

from __future__ import annotations

import base64
import hashlib
import secrets
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from audit.entry import FORMAT, SALT_SIZE, EntryKind, PersonalData, compute_commitment
from rules.engine.decide import count_asks
from rules.engine.facts import Conversation, OpenQuestion
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.entry import Entry
    from audit.log.entries import DecisionLeaf
    from policy_service.policies.choose_version import ChosenPolicies
    from rules.engine.compiler import CompiledPolicy
    from rules.engine.decide import Decision
    from rules.model.event import Event

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_BASE_32 = [first + second for first in _DIGITS for second in _DIGITS]
_SHIFTS = range(120, -1, -10)
_PLACES = {
    name: place
    for place, name in enumerate(
        ("id", "type", "value", "label", "fields", "team", "teammate", "tag", "text", "choices")
    )
}
"""The order of an action's members in an answer; the deadline is the last."""


def new_record(
    event: Event, chosen: ChosenPolicies, before: Entry | None, at: str
) -> tuple[DecisionLeaf, PersonalData]:
    """Decide an event; return the leaf of the decision and its personal part.

    `before` is the entry of the conversation's last decision, `at` the time of the new one.
    """
    conversation = conversation_of(before.value if before else None)
    identity = decision_id(event["workspace"]["id"], event["id"])
    decision, shadow = chosen.decide(event, conversation, identity)
    salt, body = secrets.token_bytes(SALT_SIZE), encode_canonical(event)
    members = {
        "format": FORMAT,
        "kind": EntryKind.DECISION.value,
        "at": at,
        "occurred_at": event["occurred_at"],
        "facts": decision.facts,
        "commitment": compute_commitment(salt, body),
        **decision_members(event, decision, chosen.version, chosen.policy),
    }
    leaf = cast("DecisionLeaf", members)
    if decision.language is not None:
        leaf["language"] = decision.language
    if decision.question is not None:
        leaf["question"] = decision.question.id
        asked_now = any(action["id"] == decision.question.id for action in decision.actions)
        if decision.question.expires_at is not None and not asked_now:
            leaf["question_expires_at"] = decision.question.expires_at
    if shadow and chosen.shadow:
        version, policy = chosen.shadow
        leaf["shadow"] = {
            "policy": {"version": version, "digest": policy.document.digest},
            "outcome": shadow.outcome,
            "reason": shadow.reason,
            "rule": shadow.rule,
            "stage": shadow.stage,
        }
    return leaf, PersonalData(event["contact"]["id"], salt, body)


def decision_members(
    event: Event, decision: Decision, version: int | None, policy: CompiledPolicy
) -> dict[str, Any]:
    """Return the members that a decision has in its leaf and in an answer.

    `version` is None for a policy of a document that is not a version.
    """
    return {
        "id": decision.id,
        "event": event["id"],
        "workspace": event["workspace"]["id"],
        "conversation": event["conversation"]["id"],
        "outcome": decision.outcome,
        "reason": decision.reason,
        "rule": decision.rule,
        "stage": decision.stage,
        "policy": {"version": version, "digest": policy.document.digest},
        "actions": decision.actions,
    }


def conversation_of(last: Mapping[str, Any] | None) -> Conversation:
    """Return the conversation after the decision of a leaf; a new one if there is none."""
    if last is None:
        return Conversation()
    return Conversation(
        stage=last["stage"],
        asks=count_asks(last["facts"], last["actions"]),
        question=_open_question(last),
        language=last.get("language"),
        begun=True,
    )


def _open_question(last: Mapping[str, Any]) -> OpenQuestion | None:
    """Return the question that is open after the decision of a leaf.

    Its deadline is in the action that asks. If an earlier decision asked, the leaf repeats it.
    """
    if (question := last.get("question")) is None:
        return None
    deadlines = (action["expires_at"] for action in last["actions"] if action["id"] == question)
    return OpenQuestion(question, next(deadlines, last.get("question_expires_at")))


def decision_id(workspace: str, event: str) -> str:
    """Return the id of the decision on an event; it depends on nothing else."""
    hashed = hashlib.sha256(f"{workspace}/{event}".encode()).digest()
    number = int.from_bytes(hashed[:16]) << 2  # 26 digits of 5 bits, as RFC 4648 pads 128 bits
    return "dec-" + "".join([_BASE_32[number >> shift & 1023] for shift in _SHIFTS])


def decision_view(entry: Entry) -> dict[str, Any]:
    """Return the decision of an entry as an answer; equal entries give equal answers."""
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


def decision_of(leaf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the decision of a leaf, without its time and its position in the ledger."""
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


def action_view(action: Mapping[str, Any]) -> dict[str, Any]:
    """Return an action with its members in a fixed order; a leaf has them in RFC 8785's order."""
    ordered = {name: action[name] for name in _in_order(tuple(action))}
    if "choices" in action:
        ordered["choices"] = [action_view(choice) for choice in action["choices"]]
    return ordered


@cache
def _in_order(members: tuple[str, ...]) -> list[str]:
    return sorted(members, key=lambda member: _PLACES.get(member, len(_PLACES)))
