"""Leaves, personal parts and works for tests of the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from audit.entry import Entry, PersonalData, compute_commitment, format_time
from rules.formats.canonical_json import digest_value, encode_canonical

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.stores.contract import Transaction

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOCUMENT = encode_canonical({"format": 1, "title": "A document"})
DIGEST = digest_value({"format": 1, "title": "A document"})


def personal(event: str, contact: str = "ct-1") -> PersonalData:
    """A personal part with a salt made of the event's id."""
    salt = event.encode().ljust(32, b".")[:32]
    return PersonalData(contact, salt, encode_canonical({"id": event, "contact": {"id": contact}}))


def decision(  # noqa: PLR0913 - a decision has many members
    event: str,
    *,
    conversation: str = "c-1",
    contact: str = "ct-1",
    workspace: str = "acme",
    at: datetime = NOON,
    before: tuple[str, int] = ("new", 0),
    stage: str = "new",
    asks: bool = False,
    version: int = 1,
    outcome: str = "noted",
    reason: str = "unexpected_event",
) -> dict[str, Any]:
    """A decision's leaf; `before` is the stage and the asks that it found."""
    part = personal(event, contact)
    return {
        "format": 1,
        "kind": "decision",
        "at": format_time(at),
        "workspace": workspace,
        "id": f"dec-{event}",
        "event": event,
        "conversation": conversation,
        "occurred_at": "2026-11-22T12:00:00Z",
        "facts": {"conversation.stage": before[0], "conversation.asks": before[1]},
        "policy": {"version": version, "digest": DIGEST},
        "outcome": outcome,
        "reason": reason,
        "rule": "otherwise",
        "stage": stage,
        "actions": [{"id": f"dec-{event}.0", "type": "ask", "text": "Hm?"}] if asks else [],
        "commitment": compute_commitment(part.salt, part.part),
    }


def version(step: str, number: int = 1, *, at: datetime = NOON, **more: Any) -> dict[str, Any]:
    """The leaf of one step of a version, such as `proposed`."""
    leaf = {
        "format": 1,
        "kind": f"version.{step}",
        "at": format_time(at),
        "workspace": "acme",
        "version": number,
        "by": "system",
    }
    if step in ("proposed", "approved", "activated"):
        leaf["digest"] = DIGEST
    if step == "rejected":
        leaf["reason"] = "not yet"
    return {**leaf, **more}


def decide(event: str, **members: Any) -> Callable[[Transaction], Entry]:
    """A work that appends a decision with its personal part."""
    leaf = decision(event, **members)
    beside = personal(event, members.get("contact", "ct-1"))
    return partial(_append, leaf=leaf, beside=beside)


def first_version(tx: Transaction) -> None:
    """A work that puts version 1 into force."""
    tx.add_document(DOCUMENT)
    for step in ("proposed", "approved", "activated"):
        tx.append("acme", version(step))


def _append(tx: Transaction, leaf: dict[str, Any], beside: PersonalData) -> Entry:
    return tx.append(leaf["workspace"], leaf, beside)
