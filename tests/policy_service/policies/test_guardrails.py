"""Guardrails of documents that an earlier release accepted."""

from __future__ import annotations

from typing import Any

import pytest

from policy_service.policies.guardrails import (
    GuardrailState,
    check_guardrails,
    judge_guardrails,
)
from rules.check import check_document
from rules.errors import InvalidDocumentError
from rules.formats.document_text import read_value
from rules.model import builtin
from rules.model.document import Document
from rules.validation.checks.values import MAX_TEXT_LENGTH

BROKEN: dict[str, Any] = {"id": "nobody-is-asked", "for_all": {}, "outcome_in": ["noted"]}
UNKNOWN: dict[str, Any] = {**BROKEN, "id": "unknown", "for_all": {"attributes.size": 1}}


@pytest.fixture
def stored() -> Document:
    """A document that the checks of this release refuse."""
    document = Document(
        {**builtin.load_tree(), "messages": {"en": {"ask": "x" * (MAX_TEXT_LENGTH + 1)}}}
    )
    pointers = {each.pointer for each in check_document(read_value(document.tree)).complaints}
    assert "/messages/en/ask" in pointers
    return document


def test_guardrails_are_judged_for_document_that_fails_newer_check(stored: Document) -> None:
    results = judge_guardrails(stored, [BROKEN, UNKNOWN])
    assert [result.state for result in results] == [
        GuardrailState.BROKEN,
        GuardrailState.INAPPLICABLE,
    ]


def test_guardrails_can_be_set_if_active_document_fails_newer_check(stored: Document) -> None:
    check_guardrails(stored, [BROKEN])
    with pytest.raises(InvalidDocumentError) as refusal:
        check_guardrails(stored, [UNKNOWN])
    assert {complaint.code for complaint in refusal.value.complaints} == {"unknown_fact"}
