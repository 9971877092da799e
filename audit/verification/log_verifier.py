"""Streaming verification of one log's leaves, from a database or from a bundle of files.

The memory grows with the number of events and conversations, not with the size of leaves. If an
owner rewrites a log consistently up to the root, only checkpoints reveal it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.errors import AuditError, BadLeafError, PersonalDataErasedError
from audit.log.entries import ContactErased
from audit.log.leaf import SALT_SIZE, EntryKind, compute_commitment
from audit.log.merkle import EMPTY_ROOT, Frontier
from audit.verification.findings import FindingCode, LogFinding
from audit.verification.history_checks import HistoryChecker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from audit.log.checkpoint import Checkpoint
    from audit.log.leaf import PersonalData


class OpenedPersonalData(NamedTuple):
    """The facts about a personal part that verification needs."""

    commitment: str | None
    """The commitment that the part opens; None if its salt is not 32 bytes long."""
    is_event: bool
    event: Any = None
    """The id of the event in the part."""
    belongs_to_contact: bool = True
    """True if the event is of the contact that the part is stored for, or if none is named."""


def open_personal_data(personal: PersonalData) -> OpenedPersonalData:
    """Return the facts about a personal part that verification needs."""
    has_salt = len(personal.salt) == SALT_SIZE
    opens = compute_commitment(personal.salt, personal.part) if has_salt else None
    try:
        event = json.loads(personal.part.decode())
        event_id = event["id"]
        contact = event["contact"]["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return OpenedPersonalData(opens, is_event=False)
    return OpenedPersonalData(opens, True, event_id, personal.contact in ("", contact))  # noqa: FBT003 - in order


@dataclass(frozen=True, slots=True)
class Attachments:
    """The data that is stored outside one log: personal parts by index, documents by digest.

    `personal` is None if personal parts are not available. It is called in the log's order.
    """

    personal: Callable[[int], OpenedPersonalData | None] | None
    document: Callable[[str], bytes | None]


class LogVerifier:
    """A verifier of one log; `verify_entry` gets its leaves in order."""

    def __init__(self, log: str, attachments: Attachments, sizes: Collection[int] = ()) -> None:
        """Keep the root at each of `sizes` in `roots`, if the log becomes that large."""
        self._log = log
        self._attachments = attachments
        self._sizes = frozenset(sizes)
        self._history = HistoryChecker(log, attachments.document)
        self._missing_parts: set[int] = set()
        self._unexplained_parts: set[int] = set()
        self.frontier = Frontier()
        self.roots = {0: EMPTY_ROOT}

    def verify_entry(
        self, index: int, leaf_hash: bytes, leaf: Mapping[str, Any] | None
    ) -> list[LogFinding]:
        """Return the findings of the leaf with this hash; None is a leaf that cannot be read."""
        self.frontier = self.frontier.append(leaf_hash)
        if self.frontier.size in self._sizes:
            self.roots[self.frontier.size] = self.frontier.root()
        if leaf is None:
            self._missing_parts.add(index)
            return []
        findings = []
        if leaf.get("workspace") != self._log:
            message = f"the leaf is of the workspace {leaf.get('workspace')!r}"
            findings.append(LogFinding(self._log, index, FindingCode.ANOTHER_LOG, message))
        if complaint := self._check_personal_data(index, leaf):
            findings.append(LogFinding(self._log, index, FindingCode.COMMITMENT, complaint))
        if leaf["kind"] == EntryKind.CONTACT_ERASED:
            findings += self._check_erasure(index, leaf)
        return findings + self._history.check_entry(index, leaf)

    def finish(self) -> list[LogFinding]:
        """Return the findings about personal parts that are missing and were never erased."""
        message = "the personal part of the commitment is missing, and no later erasure names it"
        return [
            LogFinding(self._log, index, FindingCode.COMMITMENT, message)
            for index in sorted(self._unexplained_parts)
        ]

    def _check_personal_data(self, index: int, leaf: Mapping[str, Any]) -> str | None:
        if leaf["kind"] == EntryKind.DECISION and "commitment" not in leaf:
            return "a decision without commitment"
        if self._attachments.personal is None:
            return None
        try:
            personal = self._attachments.personal(index)
        except PersonalDataErasedError:  # the erasure is after the last entry of this snapshot
            self._missing_parts.add(index)
            return None
        except AuditError as error:
            return str(error)
        if personal is None:
            if "commitment" in leaf:
                self._missing_parts.add(index)
                self._unexplained_parts.add(index)
            return None
        return _describe_mismatch(leaf, personal)

    def _check_erasure(self, index: int, leaf: Mapping[str, Any]) -> Iterator[LogFinding]:
        try:
            indices = ContactErased.from_leaf(leaf).entries
        except BadLeafError as error:
            yield LogFinding(self._log, index, FindingCode.ERASURE, str(error))
            return
        if not _is_ascending(indices) or (indices and not 0 <= indices[0] <= indices[-1] < index):
            message = "the erasure does not name earlier entries in ascending order"
            yield LogFinding(self._log, index, FindingCode.ERASURE, message)
        elif self._attachments.personal is not None:
            for erased_index in indices:
                self._unexplained_parts.discard(erased_index)
                if erased_index not in self._missing_parts:
                    message = (
                        f"entry {index} states that this personal part was erased, but it was not"
                    )
                    yield LogFinding(self._log, erased_index, FindingCode.ERASURE, message)


def find_contradictions(
    log: str, checkpoints: Iterable[Checkpoint], roots: Mapping[int, bytes]
) -> Iterator[LogFinding]:
    """Yield a finding for each checkpoint with another root than the log had at its size.

    A checkpoint of a size that is not among the roots cannot be compared.
    """
    comparable = sorted(
        (checkpoint for checkpoint in checkpoints if checkpoint.size in roots),
        key=lambda checkpoint: checkpoint.size,
    )
    agreed_size = max((c.size for c in comparable if roots[c.size] == c.root), default=0)
    for checkpoint in comparable:
        if roots[checkpoint.size] != checkpoint.root:
            since = f"from {agreed_size} on" if agreed_size < checkpoint.size else "before it"
            message = f"the checkpoint of size {checkpoint.size} covers different entries {since}"
            yield LogFinding(log, None, FindingCode.CHECKPOINT, message)


def _is_ascending(indices: Sequence[int]) -> bool:
    return all(first < second for first, second in pairwise(indices))


def _describe_mismatch(leaf: Mapping[str, Any], personal: OpenedPersonalData) -> str | None:
    """Return why leaf and personal part do not belong together, or None."""
    if personal.commitment is None:
        return "the salt is not 32 bytes long"
    if leaf.get("commitment") != personal.commitment:
        return "the personal part differs from the leaf's commitment"
    if leaf["kind"] != EntryKind.DECISION:
        return None
    if not personal.is_event:
        return "the personal part is not an event"
    if not personal.belongs_to_contact:
        return "the personal part is stored for a different contact"
    return None if personal.event == leaf.get("event") else "the personal part is a different event"
