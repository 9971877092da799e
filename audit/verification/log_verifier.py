"""A walk through a log's leaves, whoever hands them over: a database or a bundle of files.

It streams; what it keeps grows with the number of events and conversations, not with the size of
leaves. An owner who makes everything fit again, down to the root, is shown by checkpoints alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.errors import AuditError, PersonalDataErasedError
from audit.log.leaf import SALT_SIZE, EntryKind, compute_commitment
from audit.log.merkle import EMPTY_ROOT, Frontier
from audit.verification.findings import Code, Finding
from audit.verification.history_checks import History

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from audit.log.checkpoint import Checkpoint
    from audit.log.leaf import PersonalData


class Opened(NamedTuple):
    """What a walk asks of a personal part."""

    commitment: str | None
    """What it opens; None where its salt is not 32 bytes long."""
    is_event: bool
    event: Any = None
    """The id of the event that it is."""
    is_the_contacts: bool = True
    """Whether the event is of the contact whose part it is said to be; nobody named is any."""


def opened(personal: PersonalData) -> Opened:
    fits = len(personal.salt) == SALT_SIZE
    opens = compute_commitment(personal.salt, personal.part) if fits else None
    try:
        event = json.loads(personal.part.decode())
        said = event["id"]
        contact = event["contact"]["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return Opened(opens, is_event=False)
    return Opened(opens, True, said, personal.contact in ("", contact))  # noqa: FBT003 - in order


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside one log: personal parts by index, documents by digest.

    `personal` is None where no personal parts were handed over. It is asked in the log's order.
    """

    personal: Callable[[int], Opened | None] | None
    document: Callable[[str], bytes | None]


class Walk:
    """How far a log was walked through; `next` is given its leaves in order."""

    def __init__(self, log: str, beside: Beside, sizes: Collection[int] = ()) -> None:
        """At each of `sizes` the root is kept in `roots`, where the log comes to be as large."""
        self._log = log
        self._beside = beside
        self._sizes = frozenset(sizes)
        self._history = History(log, beside.document)
        self._gone: set[int] = set()
        self._unexplained: set[int] = set()
        self.frontier = Frontier()
        self.roots = {0: EMPTY_ROOT}

    def next(self, index: int, hashed: bytes, leaf: Mapping[str, Any] | None) -> list[Finding]:
        """What does not fit of the leaf with this hash; None is one that could not be read."""
        self.frontier = self.frontier.append(hashed)
        if self.frontier.size in self._sizes:
            self.roots[self.frontier.size] = self.frontier.root()
        if leaf is None:
            self._gone.add(index)
            return []
        found = []
        if leaf.get("workspace") != self._log:
            message = f"the leaf is of the workspace {leaf.get('workspace')!r}"
            found.append(Finding(self._log, index, Code.ANOTHER_LOG, message))
        if complaint := self._personal(index, leaf):
            found.append(Finding(self._log, index, Code.COMMITMENT, complaint))
        if leaf["kind"] == EntryKind.CONTACT_ERASED:
            found += self._erasure(index, leaf)
        return found + self._history.next(index, leaf)

    def end(self) -> list[Finding]:
        """What should have followed and did not: reasons for what is missing."""
        message = "the personal part of the commitment is missing, and no later erasure names it"
        return [
            Finding(self._log, index, Code.COMMITMENT, message)
            for index in sorted(self._unexplained)
        ]

    def _personal(self, index: int, leaf: Mapping[str, Any]) -> str | None:
        if leaf["kind"] == EntryKind.DECISION and "commitment" not in leaf:
            return "a decision without commitment"
        if self._beside.personal is None:
            return None
        try:
            personal = self._beside.personal(index)
        except PersonalDataErasedError:  # the reason is an entry that this walk does not come to
            self._gone.add(index)
            return None
        except AuditError as error:
            return str(error)
        if personal is None:
            if "commitment" in leaf:
                self._gone.add(index)
                self._unexplained.add(index)
            return None
        return _unlike(leaf, personal)

    def _erasure(self, index: int, leaf: Mapping[str, Any]) -> Iterator[Finding]:
        named: Any = leaf.get("entries")
        if not _ascends(named) or (named and not 0 <= named[0] <= named[-1] < index):
            message = "the erasure does not name earlier entries in ascending order"
            yield Finding(self._log, index, Code.ERASURE, message)
        elif self._beside.personal is not None:
            for each in named:
                self._unexplained.discard(each)
                if each not in self._gone:
                    message = f"entry {index} says that its personal part was erased; it was not"
                    yield Finding(self._log, each, Code.ERASURE, message)


def contradicted(
    log: str, checkpoints: Iterable[Checkpoint], roots: Mapping[int, bytes]
) -> Iterator[Finding]:
    """The checkpoints that have another root than the log had at their size.

    Those of sizes that are not among the roots contradict nothing.
    """
    known = sorted((each for each in checkpoints if each.size in roots), key=lambda one: one.size)
    fitting = max((c.size for c in known if roots[c.size] == c.root), default=0)
    for each in known:
        if roots[each.size] != each.root:
            since = f"from {fitting} on" if fitting < each.size else "before it"
            message = f"the checkpoint of size {each.size} is of other entries {since}"
            yield Finding(log, None, Code.CHECKPOINT, message)


def _ascends(named: Any) -> bool:  # noqa: ANN401 - parsed JSON
    whole = isinstance(named, list) and all(type(each) is int for each in named)
    return whole and all(before < after for before, after in pairwise(named))


def _unlike(leaf: Mapping[str, Any], personal: Opened) -> str | None:
    """Why leaf and personal part do not belong together, or None."""
    if personal.commitment is None:
        return "the salt is not 32 bytes long"
    if leaf.get("commitment") != personal.commitment:
        return "the personal part is not what the leaf commits to"
    if leaf["kind"] != EntryKind.DECISION:
        return None
    if not personal.is_event:
        return "the personal part is not an event"
    if not personal.is_the_contacts:
        return "the personal part is said to be another's"
    return None if personal.event == leaf.get("event") else "the personal part is another event"
