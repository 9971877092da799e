"""What a log's decisions must agree on with what came before them.

A decision starts from the stage that the conversation's last one led to, counts the asks so far,
and is made by the version that is active, or by the one pinned to the conversation: the version of
the decision that left `new`, until the conversation is `routed` or `not_routed`. No version is
activated but one that other keys than its author's approved, as many as the log requires when it
first is: one, unless it says otherwise. Version 1 is, if `system` enters it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.errors import BrokenHistoryError
from audit.log.leaf import EntryKind
from audit.projections.versions import Status, Versions
from audit.verification.findings import Code, Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from audit.projections.versions import VersionRecord

_SYSTEM = "system"
_BUILTIN_VERSION = 1
_NEW = "new"
_SETTLED = ("routed", "not_routed")


@dataclass(frozen=True, slots=True)
class _Conversation:
    stage: str = _NEW
    asks: int = 0
    pinned: tuple[int, int] | None = None
    """The version, and the decision that it was pinned by or kept by last."""


class History:
    """Follows one log; `next` is given its entries in order, leaves decoded."""

    def __init__(self, log: str, document: Callable[[str], bytes | None]) -> None:
        self._log = log
        self._document = document
        self._versions = Versions()
        self._events: set[str] = set()
        self._decisions: set[str] = set()
        self._conversations: dict[str, _Conversation] = {}
        self._admitted: set[int] = set()
        """The versions that were activated with the approvals that were required then."""

    def next(self, index: int, leaf: Mapping[str, Any]) -> list[Finding]:
        """What of the leaf contradicts the ones before it."""
        found: list[tuple[Code, str]] = []
        try:
            found.extend(self._codes(index, leaf))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            found.append((Code.INCOMPLETE, f"the {leaf['kind']} lacks a member: {error}"))
        return [Finding(self._log, index, code, message) for code, message in found]

    def _codes(self, index: int, leaf: Mapping[str, Any]) -> Iterator[tuple[Code, str]]:
        if leaf["kind"] == EntryKind.DECISION:
            yield from self._identity(leaf)
            yield from self._policy(leaf)
            yield from self._story(leaf)
            self._advance(index, leaf)
        elif leaf["kind"].startswith("version."):
            yield from self._version(index, leaf)
        elif leaf["kind"] == EntryKind.DIRECTORY_REPLACED:
            yield from self._kept("the document of the directory", leaf["digest"])

    def _version(self, index: int, leaf: Mapping[str, Any]) -> Iterator[tuple[Code, str]]:
        if leaf["kind"] == EntryKind.VERSION_ACTIVATED:
            yield from self._approval(self._versions.get(leaf["version"]))
        try:
            self._versions = self._versions.after(index, leaf)
        except BrokenHistoryError as error:
            yield Code.VERSION_HISTORY, str(error)
        if leaf["kind"] == EntryKind.VERSION_PROPOSED:
            yield from self._kept(f"the document of version {leaf['version']}", leaf["digest"])
        elif leaf["kind"] == EntryKind.VERSION_GUARDRAILS:
            yield from self._kept("the document of the guardrails", leaf["digest"])

    def _kept(self, what: str, digest: str) -> Iterator[tuple[Code, str]]:
        body = self._document(digest)
        if body is None:
            yield Code.DOCUMENT, f"{what} is missing"
        elif f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            yield Code.DOCUMENT, f"{what} was changed"

    def _approval(self, record: VersionRecord | None) -> Iterator[tuple[Code, str]]:
        """What keeps a version from being activated; one that is not there is found elsewhere."""
        if record is None or (record.number, record.proposed_by) == (_BUILTIN_VERSION, _SYSTEM):
            return
        number, required = record.number, self._versions.required
        others = {step.by for step in record.approvals} - {record.proposed_by}
        if record.status in (Status.REJECTED, Status.SUPERSEDED):
            yield Code.APPROVAL, f"version {number} was {record.status} before it was activated"
        elif number in self._admitted or len(others) >= required:
            self._admitted.add(number)
        elif required == 1:
            yield Code.APPROVAL, f"no other key than its author's approved version {number}"
        else:
            had = f"{len(others)} of {required} other keys"
            yield Code.APPROVAL, f"{had} approved version {number} before it was activated"

    def _identity(self, leaf: Mapping[str, Any]) -> Iterator[tuple[Code, str]]:
        event, decision = leaf["event"], leaf["id"]
        if event in self._events:
            yield Code.EVENT_TWICE, f"the event {event!r} was decided before"
        if decision in self._decisions:
            yield Code.DECISION_TWICE, f"the decision {decision!r} was there before"
        self._events.add(event)
        self._decisions.add(decision)
        for place, action in enumerate(leaf["actions"]):
            if action["id"] != f"{decision}.{place}":
                yield Code.ACTION_ID, f"action {place} has the id {action['id']!r}"

    def _policy(self, leaf: Mapping[str, Any]) -> Iterator[tuple[Code, str]]:
        number, digest = leaf["policy"]["version"], leaf["policy"]["digest"]
        record = self._versions.get(number)
        if record is None:
            yield Code.POLICY, f"version {number} was never proposed"
        elif record.digest != digest:
            yield Code.POLICY, f"version {number} was proposed with another digest"
        pinned = self._conversation(leaf).pinned
        expected = self._versions.deciding(pinned, leaf["facts"].get("sample.bucket", 0))
        if number != expected:
            why = "active" if pinned is None else "pinned to the conversation"
            yield Code.POLICY, f"version {number} decided where {expected} was {why}"

    def _story(self, leaf: Mapping[str, Any]) -> Iterator[tuple[Code, str]]:
        before, facts = self._conversation(leaf), leaf["facts"]
        if facts.get("conversation.stage") != before.stage:
            stage = facts.get("conversation.stage")
            yield Code.STAGE, f"decided from stage {stage!r} where {before.stage!r} came before"
        if facts.get("conversation.asks") != before.asks:
            asks = facts.get("conversation.asks")
            yield Code.ASKS, f"decided after {asks} asks where there were {before.asks}"

    def _conversation(self, leaf: Mapping[str, Any]) -> _Conversation:
        return self._conversations.get(leaf["conversation"], _Conversation())

    def _advance(self, index: int, leaf: Mapping[str, Any]) -> None:
        before, stage = self._conversation(leaf), leaf["stage"]
        asked = any(action["type"] == "ask" for action in leaf["actions"])
        pinned = before.pinned
        if stage in _SETTLED:
            pinned = None
        elif pinned and pinned[1] > self._versions.moved:
            pinned = (pinned[0], index)
        elif stage != _NEW:
            pinned = (leaf["policy"]["version"], index)
        after = _Conversation(stage, before.asks + asked, pinned)
        self._conversations[leaf["conversation"]] = after
