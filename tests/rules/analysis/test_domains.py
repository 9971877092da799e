"""The domains admit every fact that `derive_facts` returns, and refuse impossible facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from rules.analysis.domains import build_domains, is_possible
from rules.engine.facts import Conversation, derive_facts
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.model import builtin
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.test_defaults import BASE_FACTS
from rules.model.vocabulary import FACTS
from tests.properties.random_documents import DECLARED
from tests.properties.strategies import STEADY, events
from tests.properties.test_facts import conversations

DOCUMENT = Document({"facts": DECLARED, "rules": [], "otherwise": {}})
WITHIN = build_domains(DOCUMENT, DOCUMENT.settings)
REPLIED = {**BASE_FACTS, "event.type": "contact.replied", "answer": "unclear"}


@STEADY
@given(events(), conversations)
def test_derived_facts_are_possible(event: dict[str, Any], conversation: Conversation) -> None:
    """A proof over the possible facts covers all facts that occur."""
    assert is_possible(derive_facts(DOCUMENT, parse_event(event), conversation), WITHIN)


def test_every_fact_has_a_domain() -> None:
    assert set(WITHIN) == {*FACTS, *DECLARED}


@pytest.mark.parametrize(
    "given",
    [
        {"answer": "customer"},
        {"event.type": "contact.replied"},
        {"event.type": "question.expired"},
        {"question.open": True},
        {"conversation.asks": -1},
        {"sample.bucket": 10_000},
        {"workspace.plan": ""},
        {"workspace.plan": "p" * 201},
        {"workspace.plan": None},
        {"message.language": "en_GB"},
        {"message.language": "no tag"},
        {"conversation.stage": None},
        {"contact.identity": "sworn"},
        {"office.open": False},
        {"attributes.seats": MAX_SAFE_INTEGER + 1},
        {"attributes.tier": "bronze"},
    ],
)
def test_facts_that_cannot_occur_are_impossible(given: dict[str, Any]) -> None:
    known_facts = {
        name: value for name, value in {**BASE_FACTS, **given}.items() if value is not None
    }
    assert not is_possible(known_facts, WITHIN)


@pytest.mark.parametrize(
    "given", [{}, {"conversation.direction": None}, {"attributes.seats": -3}, REPLIED]
)
def test_facts_that_can_occur_are_possible(given: dict[str, Any]) -> None:
    known_facts = {
        name: value for name, value in {**BASE_FACTS, **given}.items() if value is not None
    }
    assert is_possible(known_facts, WITHIN)


def test_settings_have_domains_only_when_settings_are_free() -> None:
    document = Document(builtin.load_tree())
    assert "settings.enabled" not in build_domains(document, document.settings)
    assert build_domains(document, None)["settings.redirect.email"].admits(None)
