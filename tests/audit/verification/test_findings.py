"""The findings of the verifier."""

from __future__ import annotations

from audit.verification.findings import FINDING_MEANINGS, FindingCode


def test_every_finding_code_has_a_meaning() -> None:
    """The documentation lists the codes from this table, so no code may be absent."""
    assert [*FINDING_MEANINGS] == [*FindingCode]
