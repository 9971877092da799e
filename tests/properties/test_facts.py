"""The laws of deriving facts, over random events."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rules.engine.actions import render_actions
from rules.engine.compiler import compile_document
from rules.engine.facts import Conversation, OpenQuestion, derive_facts
from rules.formats.canonical_json import encode_canonical
from rules.formats.language_tags import parse_tag
from rules.model import builtin
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.vocabulary import FACTS, FactType, Stage
from tests.properties.random_documents import DECLARED
from tests.properties.strategies import STEADY, events

DOCUMENT = Document({"facts": DECLARED, "rules": [], "otherwise": {}})
BUILT_IN = Document(builtin.load_tree())

conversations = st.builds(
    Conversation,
    stage=st.sampled_from(tuple(map(str, Stage))),
    asks=st.integers(0, 5),
    question=st.none()
    | st.builds(
        OpenQuestion,
        st.sampled_from(("dec-1.0", "dec-2.0")),
        st.sampled_from((None, "2026-11-22T10:03:00Z")),
    ),
)


def is_of(value: object, kind: FactType) -> bool:
    if kind in {FactType.ENUM, FactType.STRING}:
        return isinstance(value, str)
    if kind is FactType.BOOLEAN:
        return isinstance(value, bool)
    return isinstance(value, int) and not isinstance(value, bool)


@STEADY
@given(events(), conversations)
def test_facts_of_an_accepted_event_have_their_declared_types(
    event: dict[str, Any], conversation: Conversation
) -> None:
    """Deriving never fails, and a fact has the type that the vocabulary names."""
    found = derive_facts(DOCUMENT, parse_event(event), conversation)
    for name, value in found.items():
        if name in FACTS:
            fact = FACTS[name]
            assert is_of(value, fact.type), name
            assert not fact.values or value in fact.values, name
        else:
            assert is_of(value, FactType(DECLARED[name]["type"])), name


@STEADY
@given(events(), conversations)
def test_facts_can_be_recorded_in_a_leaf(event: dict[str, Any], conversation: Conversation) -> None:
    """Facts are flat and canonical, without a float and without personal data."""
    found = derive_facts(DOCUMENT, parse_event(event), conversation)
    assert encode_canonical(found)
    assert not any(isinstance(value, float) or value is None for value in found.values())
    assert "attributes.salary" not in found
    assert "attributes.unheard_of" not in found


@STEADY
@given(events(), conversations)
def test_event_is_not_changed_by_deriving_facts(
    event: dict[str, Any], conversation: Conversation
) -> None:
    """The canonical JSON of the event is the same before and after."""
    before = encode_canonical(event)
    first = derive_facts(DOCUMENT, parse_event(event), conversation)
    assert derive_facts(DOCUMENT, parse_event(event), conversation) == first
    assert encode_canonical(event) == before


@STEADY
@given(events(), conversations, st.text(max_size=8))
def test_facts_do_not_depend_on_the_contact_id_or_name(
    event: dict[str, Any], conversation: Conversation, name: str
) -> None:
    """Two contacts that differ only in id and name give the same facts."""
    other = {**event, "contact": {**event["contact"], "id": "someone else", "name": name}}
    assert derive_facts(DOCUMENT, parse_event(event), conversation) == derive_facts(
        DOCUMENT, parse_event(other), conversation
    )


@STEADY
@given(events(), conversations)
def test_built_in_document_decides_every_event(
    event: dict[str, Any], conversation: Conversation
) -> None:
    """Any event in any stage gets a decision that a leaf can hold."""
    policy = compile_document(BUILT_IN)
    found = derive_facts(BUILT_IN, parse_event(event), conversation)
    ruling = policy.decide(found)
    tag = parse_tag(event["contact"].get("language"))
    asked = render_actions(
        ruling, policy.bound_document, "dec-1", event["occurred_at"], (tag, None)
    )
    assert encode_canonical([ruling.outcome, ruling.reason, ruling.rule, asked])
