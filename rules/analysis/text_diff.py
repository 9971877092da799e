"""The textual difference of two documents: rule by rule, setting by setting.

It compares the written documents, completed by the defaults, not their meaning. The order of guards
and rules is part of the meaning, so moved rules are reported.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.formats.canonical_json import encode_canonical
from rules.model.document import OTHERWISE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.model.document import Document


@dataclass(frozen=True, slots=True)
class TextChange:
    """One difference; a side is None if the thing is absent there.

    `name` is a setting, the id of a rule, or the name of another part of the document.
    """

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class TextDiff:
    """All differences, each in the order of the later document."""

    settings: tuple[TextChange, ...]
    rules: tuple[TextChange, ...]
    """Guards, rules and `otherwise`, by id."""
    moved_rules: tuple[str, ...]
    """The ids of rules in both documents whose order among them differs."""
    texts: tuple[TextChange, ...]
    """Title, phrases and messages, by JSON pointer without the leading slash."""
    facts: tuple[TextChange, ...]
    properties: tuple[TextChange, ...] = ()
    """Properties by id. Tests are not compared: a document that fails one is refused."""

    def __bool__(self) -> bool:
        changes = (
            self.settings,
            self.rules,
            self.moved_rules,
            self.texts,
            self.facts,
            self.properties,
        )
        return any(changes)


def compare_texts(before: Document, after: Document) -> TextDiff:
    """Return the differences of `after` from `before`."""
    rules = _rules_by_id(before), _rules_by_id(after)
    return TextDiff(
        settings=tuple(_find_changes(before.settings, after.settings)),
        rules=tuple(_find_changes(*rules)),
        moved_rules=tuple(_find_moved_rules([*rules[0]], [*rules[1]])),
        texts=tuple(_find_changes(_texts_by_pointer(before), _texts_by_pointer(after))),
        facts=tuple(_find_changes(before.declared_attributes, after.declared_attributes)),
        properties=tuple(_find_changes(_properties_by_id(before), _properties_by_id(after))),
    )


def _rules_by_id(document: Document) -> dict[str, Any]:
    """Return guards, rules and `otherwise` by id; a guard differs from a rule of the same id."""
    guards = {rule["id"]: {"guard": True, **rule} for rule in document.tree.get("guards", ())}
    rules = {rule["id"]: rule for rule in document.tree["rules"]}
    return {**guards, **rules, OTHERWISE: document.tree["otherwise"]}


def _texts_by_pointer(document: Document) -> dict[str, Any]:
    phrases = {
        f"answers/{choice}": texts_of_choice for choice, texts_of_choice in document.answers.items()
    }
    messages = {
        f"messages/{tag}/{key}": text
        for tag, texts in document.messages.items()
        for key, text in texts.items()
    }
    return {"title": document.title, **phrases, **messages}


def _properties_by_id(document: Document) -> dict[str, Any]:
    return {property_["id"]: property_ for property_ in document.tree.get("properties") or ()}


def _find_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[TextChange]:
    for name in [*after, *(name for name in before if name not in after)]:
        change = TextChange(name, before.get(name), after.get(name))
        if encode_canonical(change.before) != encode_canonical(change.after):
            yield change


def _find_moved_rules(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Return the rules to move: all but a longest common order."""
    positions = {name: position for position, name in enumerate(before)}
    common = [name for name in after if name in positions]
    unmoved = _find_longest_rising([positions[name] for name in common])
    return (name for name in common if positions[name] not in unmoved)


def _find_longest_rising(positions: Sequence[int]) -> set[int]:
    """Return a longest rising subsequence of distinct numbers (patience sorting)."""
    tails: list[int] = []
    previous: dict[int, int | None] = {}
    for position in positions:
        index = bisect_left(tails, position)
        previous[position] = tails[index - 1] if index else None
        tails[index : index + 1] = [position]
    rising: set[int] = set()
    current: int | None = tails[-1] if tails else None
    while current is not None:
        rising.add(current)
        current = previous[current]
    return rising
