"""The main use case: one event, one decision, once.

`decide_event` runs inside a transaction of the ledger. It reads what the log says of the event and
its conversation, lets the rules decide, and appends: that is its only write, and its last step.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from audit.entry import FORMAT, SALT_SIZE, Kind, Personal, commitment, format_time
from audit.errors import AlreadyThere
from policy_service.policies.activation import is_due, up_to_date
from policy_service.policies.policy_cache import deciding, enter_workspace
from policy_service.problems import Problem
from rules.engine.actions import actions
from rules.engine.facts import Conversation, bucket, derive
from rules.formats.canonical_json import canonical
from rules.model.vocabulary import QUESTIONS, WAITING_STAGES, ActionType

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.entry import Entry
    from audit.projections.versions import Versions
    from audit.stores.contract import About, Ready, Snapshot, Store, Transaction
    from policy_service.policies.policy_cache import Policies
    from rules.engine.compiler import Policy
    from rules.model.event import Event

Leaf = dict[str, Any]

SHADOWED = ("policy", "outcome", "reason", "rule", "stage")
"""What is recorded of the decision that a version in the shadow would have made."""

MOST_REMEMBERED = 1024
"""Conversations whose last decision a process remembers; whichever came first goes first."""

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision worked out before its transaction, and what of the log it rests on."""

    ready: Ready
    before: int | None
    """Where the conversation's last decision stands."""
    versions: Versions

    def rests_on(self, before: int | None, versions: Versions) -> bool:
        return self.before == before and self.versions is versions


def about(store: Store, event: Event) -> About:
    """What deciding the event is about, to say it with the work."""
    names = event["id"], event["conversation"]["id"], event["contact"]["id"]
    return store.about(event["workspace"]["id"], *names)


def decide_event(
    event: Event, policies: Policies, tx: Transaction, draft: Draft | None = None
) -> Answer:
    """Decide the event, or find its decision. Problem `event_id_reused` where its id is taken.

    A draft of it is recorded, if all that it rests on is so.
    """
    workspace = event["workspace"]["id"]
    conversation = event["conversation"]["id"]
    if draft and draft.rests_on(
        tx.latest_index(workspace, conversation), policies.versions(tx, workspace)
    ):
        with suppress(AlreadyThere):
            return Answer(tx.append_ready(draft.ready), replayed=False)
    if seen := tx.decision(workspace, event["id"]):
        return Answer(same_event(tx, seen, canonical(event)), replayed=True)
    at = format_time(tx.now)
    enter_workspace(tx, workspace, at)
    versions = up_to_date(tx, policies, workspace)
    before = tx.latest_decision(workspace, conversation)
    deciders = _deciders(event, versions, before, partial(policies.compiled, tx))
    leaf, personal = _decided(event, deciders, before, at)
    return Answer(tx.append(workspace, leaf, personal), replayed=False)


class Drafts:
    """Works decisions out before their transactions; safe to share between threads.

    Deciding is most of the work. Here many requests do it at once, and only appending is left to
    be done by one at a time. It reads no ledger: what this process remembers of a conversation may
    be behind, and a draft that turns out to rest on what is no longer so is thrown away.
    """

    def __init__(self, policies: Policies, store: Store) -> None:
        self._policies = policies
        self._store = store
        self._latest: OrderedDict[tuple[str, str], Entry] = OrderedDict()

    def draft(self, event: Event) -> Draft | None:
        """The event's decision by what is remembered; None where that is not enough."""
        workspace = event["workspace"]["id"]
        versions, now = self._policies.remembered(workspace), self._store.now()
        if versions is None or is_due(versions, now):
            return None
        before = self._latest.get((workspace, event["conversation"]["id"]))
        try:
            deciders = _deciders(event, versions, before, self._policies.remembers)
        except KeyError:  # one of the policies is yet to be compiled
            return None
        leaf, personal = _decided(event, deciders, before, format_time(now))
        ready = self._store.ready(workspace, leaf, personal)
        return Draft(ready, before.index if before else None, versions)

    def remember(self, decided: Entry) -> None:
        """The newest decision of its conversation that this process knows of."""
        if len(self._latest) >= MOST_REMEMBERED:
            with suppress(KeyError):  # other threads were faster
                self._latest.popitem(last=False)
        self._latest[decided.log, decided.value["conversation"]] = decided


@dataclass(frozen=True, slots=True)
class Deciders:
    """The version that decides with its policy, and beside it the one in the shadow."""

    version: int
    policy: Policy
    shadow: tuple[int, Policy] | None


def _deciders(
    event: Event, versions: Versions, before: Entry | None, compiled: Callable[[str], Policy]
) -> Deciders:
    place = event["workspace"]["id"], event["conversation"]["id"]
    number, digest = deciding(versions, before, bucket(*place) if versions.trial else 0)
    shadow = None
    if versions.shadow is not None:
        shadow = versions.shadow, compiled(versions.records[versions.shadow].digest)
    return Deciders(number, compiled(digest), shadow)


def _decided(
    event: Event, deciders: Deciders, before: Entry | None, at: str
) -> tuple[Leaf, Personal]:
    """The leaf of the decision and the personal part beside it."""
    conversation = conversation_of(before.value if before else None)
    leaf = {"at": at, **decision_leaf(event, deciders.version, deciders.policy, conversation)}
    if deciders.shadow:
        shadow = decision_leaf(event, *deciders.shadow, conversation)
        leaf["shadow"] = {name: shadow[name] for name in SHADOWED}
    salt, body = secrets.token_bytes(SALT_SIZE), canonical(event)
    leaf["commitment"] = commitment(salt, body)
    return leaf, Personal(event["contact"]["id"], salt, body)


def same_event(snapshot: Snapshot, seen: Entry, body: bytes) -> Entry:
    """The entry seen, where it decided the event with this canonical JSON.

    What tells is the commitment. Where the personal part was erased, the event's id alone does.
    """
    personal = snapshot.personal(seen.log, seen.index)
    if personal and commitment(personal.salt, body) != seen.value["commitment"]:
        raise Problem("event_id_reused", "Another event was decided under this id")
    return seen


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
    ordered = {name: action[name] for name in _in_order(tuple(action))}
    if "choices" in action:
        ordered["choices"] = [action_view(choice) for choice in action["choices"]]
    return ordered


@cache
def _in_order(members: tuple[str, ...]) -> list[str]:
    return sorted(members, key=lambda member: _PLACES.get(member, len(_PLACES)))
