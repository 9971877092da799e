"""Checks of each entry of a log against the entries before it.

A decision starts from the stage that the conversation's last decision led to, and counts the asks
so far. The deciding version is the active one, or the one pinned to the conversation: the version
of the decision that left `new`, until the conversation is `routed` or `not_routed`. A version is
activated only if enough keys other than its author's approved it. The number is the one that the
log requires at its first activation, by default 1. Version 1 needs no approval if `system` entered
it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from audit.errors import BadLeafError, BrokenHistoryError
from audit.log.entries import (
    UNSCHEDULED_REASONS,
    DirectoryReplaced,
    GuardrailsSet,
    VersionActivated,
    VersionProposed,
    VersionUnscheduled,
    parse_leaf,
)
from audit.log.leaf import EntryKind
from audit.projections.action_status import OPEN_STATUSES, receipt_status
from audit.projections.versions import Versions, VersionStatus
from audit.verification.findings import FindingCode, LogFinding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from audit.log.entries import ActionReceipt, DecisionLeaf, EntryContent
    from audit.projections.action_status import ActionStatus
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
    """The pinned version, and the last decision that pinned it or kept it pinned."""


class HistoryChecker:
    """A checker of one log; `check_entry` gets its entries in order, with decoded leaves."""

    def __init__(self, log: str, document: Callable[[str], bytes | None]) -> None:
        self._log = log
        self._document = document
        self._versions = Versions()
        self._events: set[str] = set()
        self._decisions: set[str] = set()
        self._conversations: dict[str, _Conversation] = {}
        self._settled_actions: dict[str, ActionStatus] = {}
        """The actions that were delivered or withdrawn; nothing about them may follow."""
        self._approved_versions: set[int] = set()
        """The versions that were activated with the approvals that were required then."""

    def check_entry(self, index: int, leaf: Mapping[str, Any]) -> list[LogFinding]:
        """Return the findings of a leaf that contradicts the ones before it."""
        problems: list[tuple[FindingCode, str]] = []
        try:
            problems.extend(self._find_problems(index, leaf))
        except BadLeafError as error:
            problems.append((FindingCode.INCOMPLETE, str(error)))
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            problems.append((FindingCode.INCOMPLETE, f"the {leaf['kind']} lacks a member: {error}"))
        return [LogFinding(self._log, index, code, message) for code, message in problems]

    def _find_problems(
        self, index: int, leaf: Mapping[str, Any]
    ) -> Iterator[tuple[FindingCode, str]]:
        if leaf["kind"] == EntryKind.DECISION:
            decision = cast("DecisionLeaf", leaf)  # a member that is missing is a KeyError
            yield from self._check_identity(decision)
            yield from self._check_policy(decision)
            yield from self._check_story(decision)
            self._advance(index, decision)
        elif leaf["kind"].startswith("action."):
            yield from self._check_action(cast("ActionReceipt", parse_leaf(leaf)))
        elif leaf["kind"].startswith("version."):
            if content := parse_leaf(leaf):
                yield from self._check_version(index, content)
        elif leaf["kind"] == EntryKind.DIRECTORY_REPLACED:
            digest = DirectoryReplaced.from_leaf(leaf).digest
            yield from self._check_document("the document of the directory", digest)

    def _check_action(self, receipt: ActionReceipt) -> Iterator[tuple[FindingCode, str]]:
        action = receipt.action
        if action.rpartition(".")[0] not in self._decisions:
            yield FindingCode.ACTION_STATUS, f"no decision asked for the action {action!r}"
        if settled := self._settled_actions.get(action):
            yield FindingCode.ACTION_STATUS, f"the action {action!r} was {settled} before"
        status = receipt_status(receipt)
        if status not in OPEN_STATUSES:
            self._settled_actions[action] = status

    def _check_version(
        self, index: int, content: EntryContent
    ) -> Iterator[tuple[FindingCode, str]]:
        if isinstance(content, VersionActivated):
            yield from self._check_approval(self._versions.get(content.version))
        if isinstance(content, VersionUnscheduled):
            yield from self._check_unscheduling(content)
        try:
            self._versions = self._versions.with_entry(index, content)
        except BrokenHistoryError as error:
            yield FindingCode.VERSION_HISTORY, str(error)
        match content:
            case VersionProposed():
                document = f"the document of version {content.version}"
                yield from self._check_document(document, content.digest)
            case GuardrailsSet():
                yield from self._check_document("the document of the guardrails", content.digest)

    def _check_unscheduling(self, content: VersionUnscheduled) -> Iterator[tuple[FindingCode, str]]:
        pending = {each.step.index: each.number for each in self._versions.schedules}
        if pending.get(content.schedule) != content.version:
            message = f"entry {content.schedule} is no pending schedule of version"
            yield FindingCode.VERSION_HISTORY, f"{message} {content.version}"
        if content.reason not in UNSCHEDULED_REASONS:
            yield FindingCode.VERSION_HISTORY, f"a schedule ended for {content.reason!r}"

    def _check_document(self, description: str, digest: str) -> Iterator[tuple[FindingCode, str]]:
        body = self._document(digest)
        if body is None:
            yield FindingCode.DOCUMENT, f"{description} is missing"
        elif f"sha256:{hashlib.sha256(body).hexdigest()}" != digest:
            yield FindingCode.DOCUMENT, f"{description} was changed"

    def _check_approval(self, record: VersionRecord | None) -> Iterator[tuple[FindingCode, str]]:
        """Yield the reasons that a version must not be activated.

        Another check finds a version that does not exist.
        """
        if record is None or (record.number, record.proposed_by) == (_BUILTIN_VERSION, _SYSTEM):
            return
        number, required = record.number, self._versions.required_approvals
        approvers = {step.by for step in record.approvals} - {record.proposed_by}
        if record.status in (VersionStatus.REJECTED, VersionStatus.SUPERSEDED):
            yield (
                FindingCode.APPROVAL,
                f"version {number} was {record.status} before it was activated",
            )
        elif number in self._approved_versions or len(approvers) >= required:
            self._approved_versions.add(number)
        elif required == 1:
            yield FindingCode.APPROVAL, f"no other key than its author's approved version {number}"
        else:
            count = f"{len(approvers)} of {required} other keys"
            yield FindingCode.APPROVAL, f"{count} approved version {number} before it was activated"

    def _check_identity(self, leaf: DecisionLeaf) -> Iterator[tuple[FindingCode, str]]:
        event, decision = leaf["event"], leaf["id"]
        if event in self._events:
            yield FindingCode.EVENT_TWICE, f"the event {event!r} was decided before"
        if decision in self._decisions:
            yield FindingCode.DECISION_TWICE, f"the decision {decision!r} exists already"
        self._events.add(event)
        self._decisions.add(decision)
        for place, action in enumerate(leaf["actions"]):
            if action["id"] != f"{decision}.{place}":
                yield FindingCode.ACTION_ID, f"action {place} has the id {action['id']!r}"

    def _check_policy(self, leaf: DecisionLeaf) -> Iterator[tuple[FindingCode, str]]:
        number, digest = leaf["policy"]["version"], leaf["policy"]["digest"]
        record = self._versions.get(number)
        if record is None:
            yield FindingCode.POLICY, f"version {number} was never proposed"
        elif record.digest != digest:
            yield FindingCode.POLICY, f"version {number} was proposed with another digest"
        pinned = self._find_conversation(leaf).pinned
        expected = self._versions.choose_version(pinned, leaf["facts"].get("sample.bucket", 0))
        if number != expected:
            reason = "active" if pinned is None else "pinned to the conversation"
            yield FindingCode.POLICY, f"version {number} decided, but {expected} was {reason}"

    def _check_story(self, leaf: DecisionLeaf) -> Iterator[tuple[FindingCode, str]]:
        conversation, facts = self._find_conversation(leaf), leaf["facts"]
        if facts.get("conversation.stage") != conversation.stage:
            stage = facts.get("conversation.stage")
            yield (
                FindingCode.STAGE,
                f"decided from stage {stage!r}, but the stage before was {conversation.stage!r}",
            )
        if facts.get("conversation.asks") != conversation.asks:
            asks = facts.get("conversation.asks")
            yield (
                FindingCode.ASKS,
                f"decided after {asks} asks, but there were {conversation.asks}",
            )

    def _find_conversation(self, leaf: DecisionLeaf) -> _Conversation:
        return self._conversations.get(leaf["conversation"], _Conversation())

    def _advance(self, index: int, leaf: DecisionLeaf) -> None:
        conversation, stage = self._find_conversation(leaf), leaf["stage"]
        has_ask = any(action["type"] == "ask" for action in leaf["actions"])
        pinned = conversation.pinned
        if stage in _SETTLED:
            pinned = None
        elif pinned and pinned[1] > self._versions.last_move_index:
            pinned = (pinned[0], index)
        elif stage != _NEW:
            pinned = (leaf["policy"]["version"], index)
        updated = _Conversation(stage, conversation.asks + has_ask, pinned)
        self._conversations[leaf["conversation"]] = updated
