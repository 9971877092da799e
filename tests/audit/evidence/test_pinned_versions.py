"""The verifier accepts decisions of the version that is pinned to a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.sqlite.store import SqliteStore
from tests.audit.evidence.test_ledger_verifier import FIRST, SECOND, WAITING, reported, with_policy
from tests.fakes.leaves import (
    decide,
    decision,
    first_version,
    version,
)

if TYPE_CHECKING:
    from pathlib import Path

SECOND_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A log of three version entries, 0 to 2, and a conversation of four decisions, 3 to 6."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        asked = {"stage": "awaiting_answer"}
        store.transact(decide("ev-1", asks=True, **asked))
        store.transact(decide("ev-2", before=("awaiting_answer", 1), asks=True, **asked))
        store.transact(decide("ev-3", before=("awaiting_answer", 2), **asked))
        store.transact(decide("ev-4", before=("awaiting_answer", 2), stage="routed"))
    return tmp_path


def findings(data: Path) -> set[tuple[int | None, str]]:
    with SqliteStore.open(data) as store, store.read() as view:
        return {(f.index, f.code) for report in verify_ledger(view) for f in report.findings}


def test_conversation_keeps_its_pinned_version() -> None:
    """Pinned until it is routed; then, as before it began, the active version decides."""
    story = [
        decision("a", stage="new"),
        decision("b", stage=WAITING),
        *SECOND,
        version("retired", 1),
        decision("c", before=(WAITING, 0), stage=WAITING),
        decision("d", before=(WAITING, 0), stage="routed"),
        decision("e", before=("routed", 0), stage="routed", version=2),
        decision("f", conversation="c-2", version=2),
    ]
    assert reported(*FIRST, *story) == set()
    wrong = [replace_version(leaf, event="c", number=2) for leaf in story]
    assert reported(*FIRST, *wrong) == {(9, "policy")}
    wrong = [replace_version(leaf, event="e", number=1) for leaf in story]
    assert reported(*FIRST, *wrong) == {(11, "policy")}


def replace_version(leaf: dict[str, Any], event: str, number: int) -> dict[str, Any]:
    return with_policy(leaf, version=number) if leaf.get("event") == event else leaf
