"""Entries about the actions of decisions."""

from __future__ import annotations

from dataclasses import dataclass

from audit.log.entries.content import SignedOffContent
from audit.log.leaf import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReceipt(SignedOffContent):
    """A report on one action of a decision."""

    action: str
    event: str
    conversation: str
    detail: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDelivered(ActionReceipt):
    """The report that an action was carried out."""

    kind = EntryKind.ACTION_DELIVERED


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionFailed(ActionReceipt):
    """The report that an action was not carried out."""

    kind = EntryKind.ACTION_FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionWithdrawn(ActionReceipt):
    """The report that an action will not be carried out any more."""

    kind = EntryKind.ACTION_WITHDRAWN


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRetried(ActionReceipt):
    """The request to carry out a failed action again."""

    kind = EntryKind.ACTION_RETRIED
