"""What a log requires of its versions, as a verifier works it out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from audit.entry import new_entry
from audit.evidence.ledger_verifier import verify_entries
from audit.log.merkle import Frontier
from audit.stores.contract import LogHead
from audit.verification.findings import FindingCode
from audit.verification.log_verifier import Attachments
from tests.audit.evidence.test_ledger_verifier import (
    FIRST,
    SECOND,
    SECOND_DIGEST,
    reported,
    without,
)
from tests.fakes.leaves import DIGEST, DOCUMENT, version

PROPOSED, APPROVED, ACTIVATED = SECOND
BY_ANOTHER = {**APPROVED, "by": "key-c"}
BY_ITS_AUTHOR = {**APPROVED, "by": "key-a"}


def required(count: Any) -> dict[str, Any]:
    """The leaf that says how many keys must approve from here on."""
    return without(version("approvals", count=count, reason="so many", by="key-o"), "version")


@pytest.mark.parametrize(
    ("leaves", "found"),
    [
        ([required(2), *SECOND], {(6, "approval")}),
        ([required(2), PROPOSED, APPROVED, APPROVED, ACTIVATED], {(7, "approval")}),
        ([required(2), PROPOSED, APPROVED, BY_ITS_AUTHOR, ACTIVATED], {(7, "approval")}),
        ([required(2), PROPOSED, APPROVED, BY_ANOTHER, ACTIVATED], set()),
        ([PROPOSED, APPROVED, required(2), ACTIVATED], {(6, "approval")}),
        ([required(0), PROPOSED, ACTIVATED], set()),
        ([required(0), PROPOSED, required(1), ACTIVATED], {(6, "approval")}),
        ([required(0), PROPOSED, version("rejected", 2), ACTIVATED], {(6, "approval")}),
        ([required(2), required(1), *SECOND], set()),
    ],
)
def test_verifier_checks_approvals_at_each_activation(
    leaves: list[dict[str, Any]], found: set[tuple[int, str]]
) -> None:
    assert reported(*FIRST, *leaves) == found


def test_activated_version_can_be_activated_again() -> None:
    """Whatever is required by then; what never was is found each time."""
    again = [version("activated"), version("retired", 2), ACTIVATED]
    assert reported(*FIRST, *SECOND, required(3), *again) == set()
    assert reported(*FIRST, required(0), PROPOSED, ACTIVATED, required(1), *again) == set()
    twice = reported(*FIRST, required(2), *SECOND, ACTIVATED)
    assert twice == {(6, "approval"), (7, "approval")}


@pytest.mark.parametrize("count", ["2", None, []])
def test_verifier_finds_a_requirement_that_is_not_a_number(count: Any) -> None:
    assert reported(*FIRST, required(count)) == {(3, "incomplete")}


@pytest.mark.parametrize(
    ("digest", "found"),
    [(DIGEST, set()), (SECOND_DIGEST, {(3, "document")}), ("sha256:none", {(3, "document")})],
    ids=["kept", "changed", "missing"],
)
def test_verifier_requires_the_document_of_a_directory(
    digest: str, found: set[tuple[int, str]]
) -> None:
    leaf = {**version("guardrails", digest=digest, by="key-p"), "kind": "directory.replaced"}
    assert reported(*FIRST, without(leaf, "version")) == found


@pytest.mark.parametrize(
    ("digest", "found"),
    [(DIGEST, set()), (SECOND_DIGEST, {(3, "document")}), ("sha256:none", {(3, "document")})],
    ids=["kept", "changed", "missing"],
)
def test_verifier_requires_the_document_of_guardrails(
    digest: str, found: set[tuple[int, str]]
) -> None:
    leaf = without(version("guardrails", digest=digest, reason="asked", by="key-o"), "version")
    assert reported(*FIRST, leaf) == found


def test_verifier_finds_an_entry_of_another_log() -> None:
    """Even where its leaf says otherwise."""
    entry = replace(new_entry("acme", 0, version("proposed"), None), log="zeta")
    nothing = Attachments(lambda _: None, {DIGEST: DOCUMENT}.get)
    frontier = Frontier().append(entry.leaf_hash)
    report = verify_entries("acme", LogHead(1, frontier.root(), frontier), [entry], nothing)
    assert [(f.index, f.code) for f in report.findings] == [(0, FindingCode.ANOTHER_LOG)]
