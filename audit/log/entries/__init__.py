"""The contents of a log's entries: one class per kind, with a codec in both directions.

`to_leaf` gives the leaf of format 1, `parse_leaf` reads one. A member that is None, or a flag that
is False, is absent from the leaf. docs/architecture.md lists the members of each kind.

A decision has no class, because one is written for every event; `DecisionLeaf` types its leaf.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from audit.errors import BadLeafError
from audit.log.entries.actions import (
    ActionDelivered,
    ActionFailed,
    ActionReceipt,
    ActionRetried,
    ActionWithdrawn,
)
from audit.log.entries.content import (
    EntryContent,
    LostEntries,
    SignedOffContent,
)
from audit.log.entries.decisions import (
    DecisionLeaf,
    PolicyReference,
    ShadowedDecision,
)
from audit.log.entries.privacy import (
    ContactErased,
    ErasureRefused,
    HoldReleased,
    HoldSet,
)
from audit.log.entries.system import (
    CheckpointSigned,
    KeyCreated,
    KeyRevoked,
    LedgerRestored,
)
from audit.log.entries.versions import (
    UNSCHEDULED_REASONS,
    ApprovalsRequired,
    DirectoryReplaced,
    GuardrailsSet,
    VersionActivated,
    VersionApproved,
    VersionContent,
    VersionDocumentContent,
    VersionProposed,
    VersionRejected,
    VersionRetired,
    VersionScheduled,
    VersionSuperseded,
    VersionSuspended,
    VersionUnscheduled,
)
from audit.log.leaf import EntryKind

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = [
    "CONTENT_BY_KIND",
    "UNSCHEDULED_REASONS",
    "ActionDelivered",
    "ActionFailed",
    "ActionReceipt",
    "ActionRetried",
    "ActionWithdrawn",
    "ApprovalsRequired",
    "CheckpointSigned",
    "ContactErased",
    "DecisionLeaf",
    "DirectoryReplaced",
    "EntryContent",
    "ErasureRefused",
    "GuardrailsSet",
    "HoldReleased",
    "HoldSet",
    "KeyCreated",
    "KeyRevoked",
    "LedgerRestored",
    "LostEntries",
    "PolicyReference",
    "ShadowedDecision",
    "SignedOffContent",
    "VersionActivated",
    "VersionApproved",
    "VersionContent",
    "VersionDocumentContent",
    "VersionProposed",
    "VersionRejected",
    "VersionRetired",
    "VersionScheduled",
    "VersionSuperseded",
    "VersionSuspended",
    "VersionUnscheduled",
    "parse_leaf",
]

CONTENT_BY_KIND: Mapping[EntryKind, type[EntryContent]] = MappingProxyType(
    {
        content.kind: content
        for content in (
            *(ActionDelivered, ActionFailed, ActionWithdrawn, ActionRetried),
            *(VersionProposed, VersionApproved, VersionRejected, VersionSuperseded),
            *(
                VersionActivated,
                VersionScheduled,
                VersionUnscheduled,
                VersionSuspended,
                VersionRetired,
            ),
            *(ApprovalsRequired, GuardrailsSet, DirectoryReplaced),
            *(ContactErased, ErasureRefused, HoldSet, HoldReleased),
            *(KeyCreated, KeyRevoked, CheckpointSigned, LedgerRestored),
        )
    }
)
"""The class of each kind but `decision`."""


def parse_leaf(leaf: Mapping[str, Any]) -> EntryContent | None:
    """Return the content of a leaf; None for a decision.

    Raises BadLeafError for an unknown kind, or if a member is missing or of another type.
    """
    try:
        kind = EntryKind(leaf.get("kind", ""))
    except ValueError as error:
        raise BadLeafError(f"the leaf's kind {leaf.get('kind')!r} is unknown") from error
    content = CONTENT_BY_KIND.get(kind)
    return content.from_leaf(leaf) if content else None
