"""Which facts there can be: what `derive_facts` gives for some event and some conversation.

One table, next to `derive_facts`: a test holds the facts of random events to it. It may allow
more than can happen, never less: a proof over these facts is a proof over all that happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.engine.evaluator import is_number
from rules.formats.language_tags import parse_tag
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.model.vocabulary import BUCKET_COUNT, FACTS, SETTING_FACTS, EventType, Fact, FactType

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rules.model.document import Document, Scalar

MAX_WORD_LENGTH = 200
"""Characters of a plan or a channel, which have one at least."""
MAX_REPEATS = 100
"""What a setting that is a whole number can be at most."""

TAG_FACTS = frozenset({"message.language", "settings.default_language"})
"""Facts that are language tags where they are known."""
OPTIONAL_FACTS = frozenset(
    {"conversation.direction", "message.language", "answer", "question.open"}
)
"""Facts of the vocabulary that an event may leave unknown."""
EVENT_TYPE_BY_FACT: dict[str, EventType] = {
    "answer": EventType.REPLIED,
    "question.open": EventType.EXPIRED,
}
"""Facts that are known with events of one type, with all of these and with no other."""
_WORD_FACTS = frozenset({"workspace.plan", "conversation.channel"})
_BOUNDS: dict[str, tuple[int, int]] = {
    "conversation.asks": (0, MAX_SAFE_INTEGER),
    "sample.bucket": (0, BUCKET_COUNT - 1),
    "settings.ask_again": (0, MAX_REPEATS),
}
_OPTIONAL_SETTING_FACTS = frozenset({"settings.redirect", "settings.office_hours"})


@dataclass(frozen=True, slots=True)
class FactDomain:
    """The values that one fact can have."""

    fact: Fact
    is_always_known: bool
    """It is known of every event."""
    is_never_false: bool = False
    """A boolean that is never false: no office hours are set."""

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value of an integer."""
        return _BOUNDS.get(self.fact.name, (-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER))

    @property
    def is_tag(self) -> bool:
        return self.fact.name in TAG_FACTS

    def admits(self, value: Scalar | None) -> bool:
        """Whether the fact can have this value, None for unknown."""
        if value is None:
            return not self.is_always_known
        match self.fact.type:
            case FactType.ENUM:
                return value in self.fact.values
            case FactType.BOOLEAN:
                return value is True or (value is False and not self.is_never_false)
            case FactType.WHOLE:
                return value is True
            case FactType.INTEGER:
                low, high = self.bounds
                return is_number(value) and value == int(value) and low <= value <= high
        return isinstance(value, str) and self._admits_text(value)

    def derive_value(self, value: Scalar | None) -> Scalar | None:
        """What is derived where another document, which declares the fact otherwise, has this."""
        if self.admits(value):
            return value
        return True if self.is_never_false else None

    def _admits_text(self, text: str) -> bool:
        if self.is_tag:
            return parse_tag(text) == text
        return self.fact.name not in _WORD_FACTS or 1 <= len(text) <= MAX_WORD_LENGTH


def build_domains(document: Document, settings: Mapping[str, Any] | None) -> dict[str, FactDomain]:
    """The domain of each fact under these settings; None: under any, which are facts then."""
    hours = settings is None or settings["office_hours"] is not None
    domains = {
        name: FactDomain(fact, name not in OPTIONAL_FACTS, name == "office.open" and not hours)
        for name, fact in FACTS.items()
    }
    for name, declaration in document.declared_attributes.items():
        values = tuple(declaration.get("values", ()))
        fact = Fact(name, FactType(declaration["type"]), "an attribute", values)
        domains[name] = FactDomain(fact, is_always_known=False)
    if settings is None:
        domains |= {
            name: FactDomain(fact, _is_always_set(fact)) for name, fact in SETTING_FACTS.items()
        }
    return domains


def is_possible(facts: Mapping[str, Scalar], domains: Mapping[str, FactDomain]) -> bool:
    """Whether these facts can come together."""
    return all(domain.admits(facts.get(name)) for name, domain in domains.items()) and all(
        (name in facts) is (facts.get("event.type") == kind)
        for name, kind in EVENT_TYPE_BY_FACT.items()
    )


def _is_always_set(fact: Fact) -> bool:
    is_member = fact.name.count(".") > 1
    return not is_member and fact.name not in _OPTIONAL_SETTING_FACTS
