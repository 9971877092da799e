"""The possible facts: all that `derive_facts` can return for an event and a conversation.

One table describes them, and a test holds the facts of random events to it. The table may allow
more than can happen, never less. A proof over these facts is therefore a proof over all that
happen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rules.engine.evaluator import is_number
from rules.formats.language_tags import derive_language, parse_tag
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.model.vocabulary import (
    BUCKET_COUNT,
    FACTS,
    LANGUAGE_FACT,
    SETTING_FACTS,
    TAG_FACTS,
    EventType,
    Fact,
    FactType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rules.model.document import Document, Scalar

MAX_WORD_LENGTH = 200
"""Maximum length of a plan or a channel in characters; the minimum is one."""
MAX_REPEATS = 100
"""Maximum of a setting that is a whole number."""

OPTIONAL_FACTS = frozenset(
    {"conversation.direction", "message.language", "answer", "question.open"}
)
"""Facts of the vocabulary that an event may leave unknown."""
EVENT_TYPE_BY_FACT: dict[str, EventType] = {
    "answer": EventType.REPLIED,
    "question.open": EventType.EXPIRED,
}
"""Facts that are known in all events of one type and in no others."""
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
    """True if every event has the fact."""
    is_never_false: bool = False
    """True for a boolean that is never false: no office hours are set."""

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the greatest value of an integer."""
        return _BOUNDS.get(self.fact.name, (-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER))

    @property
    def is_tag(self) -> bool:
        """True if the fact is a language tag."""
        return self.fact.name in TAG_FACTS

    def admits(self, value: Scalar | None) -> bool:
        """Return True if the fact can have this value; None is the value of an unknown fact."""
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
        """Return the value that this document derives from a value that another one declares."""
        if self.admits(value):
            return value
        return True if self.is_never_false else None

    def _admits_text(self, text: str) -> bool:
        if self.is_tag:
            parse = derive_language if self.fact.name == LANGUAGE_FACT else parse_tag
            return parse(text) == text
        return self.fact.name not in _WORD_FACTS or 1 <= len(text) <= MAX_WORD_LENGTH


def build_domains(document: Document, settings: Mapping[str, Any] | None) -> dict[str, FactDomain]:
    """Return the domain of each fact under these settings.

    If `settings` is None, the settings are facts too, and may have any value.
    """
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
    """Return True if these facts can occur together."""
    return all(domain.admits(facts.get(name)) for name, domain in domains.items()) and all(
        (name in facts) is (facts.get("event.type") == kind)
        for name, kind in EVENT_TYPE_BY_FACT.items()
    )


def _is_always_set(fact: Fact) -> bool:
    is_member = fact.name.count(".") > 1
    return not is_member and fact.name not in _OPTIONAL_SETTING_FACTS
