"""The verifier accepts decisions of the version that is pinned to a conversation."""

from __future__ import annotations

from typing import Any

from tests.audit.evidence.test_ledger_verifier import FIRST, SECOND, WAITING, reported, with_policy
from tests.fakes.leaves import (
    decision,
    version,
)


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
