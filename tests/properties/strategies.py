"""Random values and events, and the settings of hypothesis."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

from rules.model.event import MAX_EVENT_YEAR
from rules.model.vocabulary import CONTACT_KINDS, DIRECTIONS, IDENTITIES, EventType
from tests.depth import DEPTH
from tests.properties.random_documents import DECLARED, TAGS, WORDS

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

STEADY = settings(deadline=None, derandomize=True, max_examples=60 * DEPTH)
"""The same examples on every run, and no clock."""

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)

json_values: SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53) + 1, 2**53 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=4)),
    max_leaves=12,
)
"""Any value of I-JSON (RFC 7493)."""

_attribute = st.one_of(
    st.sampled_from((*WORDS, "gold", True, False, 3, 4.0, -0.0, 2.5, 1e300, 2.0**53)),
    json_values.filter(lambda value: value is not None),
)
_attributes = st.fixed_dictionaries(
    {},
    optional={name.removeprefix("attributes."): _attribute for name in DECLARED}
    | {"unheard_of": _attribute},
)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """An event that is accepted, without nulls."""
    kind = draw(st.sampled_from(tuple(map(str, EventType))))
    said = {"choice": draw(st.sampled_from(("customer", "not_customer")))}
    event = {
        "id": draw(printable),
        "type": kind,
        "occurred_at": draw(st.datetimes(max_value=_LATEST)).isoformat() + "Z",
        "workspace": {"id": draw(st.sampled_from(("acme", "0_x-y"))), "plan": draw(_word)},
        "conversation": {"id": draw(printable)} | draw(_conversation),
        "contact": {"id": draw(_word), "kind": draw(st.sampled_from(CONTACT_KINDS))}
        | draw(_contact),
    }
    optional = {"message": draw(_message), "answer": said, "attributes": draw(_attributes)}
    present = draw(st.sets(st.sampled_from(sorted(optional))))
    if kind == EventType.REPLIED and not present & {"message", "answer"}:
        present.add("message")
    if kind == EventType.EXPIRED and draw(st.booleans()):
        event["question"] = {"id": draw(st.sampled_from(("dec-1.0", "dec-2.0")))}
    return event | {name: optional[name] for name in present}


_LATEST = datetime(MAX_EVENT_YEAR, 12, 31, 23, 59, 59)  # noqa: DTZ001 - hypothesis wants it naive
_word = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
_tag = st.one_of(st.sampled_from((*TAGS, "en_US", "i-klingon", "")), texts)
_conversation = st.fixed_dictionaries(
    {},
    optional={
        "direction": st.sampled_from(DIRECTIONS),
        "channel": _word,
        "assigned": st.booleans(),
    },
)
_contact = st.fixed_dictionaries(
    {},
    optional={
        "email": texts,
        "phone": texts,
        "name": texts,
        "identity": st.sampled_from(IDENTITIES),
        "language": _tag,
    },
)
_message = st.fixed_dictionaries(
    {}, optional={"text": st.one_of(texts, st.sampled_from(("Yes!", "not yet"))), "language": _tag}
)
