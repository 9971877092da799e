"""Each test fits the fact it asks about: its operator, and the type and range of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.language_tags import is_range
from rules.formats.suggestions import instead, quoted
from rules.model.document import lookup as setting_of
from rules.model.vocabulary import BOUNDS, FactType, SettingType, Test
from rules.validation.checks.references import LISTS_AND_TEXTS, is_reference, wrong_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Part
    from rules.model.vocabulary import Fact
    from rules.validation.checks.references import Types

LONGEST_VALUE = 1_000
MOST_VALUES = 1_000
_MOST_BOUNDS = 2

_REFERENCES: dict[FactType, Types] = {
    FactType.STRING: LISTS_AND_TEXTS,
    FactType.ENUM: LISTS_AND_TEXTS,
    FactType.BOOLEAN: {SettingType.BOOLEAN},
    FactType.INTEGER: {SettingType.COUNT},
}
_WRITE = {
    FactType.STRING: "a text, in quotes if need be",
    FactType.BOOLEAN: "true or false",
    FactType.INTEGER: "a whole number",
}


def wrong_test(part: Part, fact: Fact, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with a test of this fact."""
    if part.value is None:
        yield part.complain("null_test", "Nothing equals null: write {known: false}")
    elif isinstance(part.value, dict):
        yield from _wrong_operators(part, fact, settings)
    elif fact.type is FactType.WHOLE:
        message = f"{fact.name} is a list or a mapping: ask {{known: true}} or {{known: false}}"
        yield part.complain("wrong_operator", message)
    elif isinstance(part.value, list):
        yield from wrong_length(part)
        for item in part.items():
            if item.value is None:
                yield item.complain("null_test", "Nothing equals null: write {known: false}")
            else:
                yield from _wrong_operand(item, fact, settings)
    else:
        yield from _wrong_operand(part, fact, settings)


def wrong_length(part: Part) -> Iterator[Complaint]:
    """A complaint for a list that is empty or too long."""
    if not part.value:
        yield part.complain(
            "empty_list", "An empty list holds for nothing: write one value or more"
        )
    elif len(part.value) > MOST_VALUES:
        yield part.complain("too_many", f"Write at most {MOST_VALUES:,} values")


def wrong_value(part: Part, fact: Fact) -> Iterator[Complaint]:
    """What is wrong with a value of this fact, written as it is."""
    value = part.value
    if fact.type is FactType.ENUM:
        if value not in fact.values or not isinstance(value, str):
            named = quoted(value) if isinstance(value, str) else "This"
            message = f"{named} is no value of {fact.name}: {instead(str(value), fact.values)}"
            yield part.complain("not_in_enum", message)
    elif not _is(fact.type, value):
        yield part.complain("wrong_type", f"{fact.name} is {fact.type}: write {_WRITE[fact.type]}")
    elif isinstance(value, str) and len(value) > LONGEST_VALUE:
        yield part.complain("too_long", f"Write at most {LONGEST_VALUE:,} characters")


def _is(kind: FactType, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    match kind:
        case FactType.STRING:
            return isinstance(value, str)
        case FactType.BOOLEAN:
            return isinstance(value, bool)
        case _:
            return isinstance(value, int) and not isinstance(value, bool)


def _wrong_operand(part: Part, fact: Fact, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with a value, or with a reference in its place."""
    if not is_reference(part.value):
        yield from wrong_value(part, fact)
        return
    complaints = list(wrong_reference(part, _REFERENCES[fact.type]))
    if not complaints and fact.type is FactType.ENUM:
        named = setting_of(settings, part.value[1:])
        for value in named if isinstance(named, list) else [named]:
            complaints += wrong_value(part._replace(value=value), fact) if value is not None else ()
    yield from complaints


def _wrong_operators(part: Part, fact: Fact, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    names = list(part.value)
    if not names:
        yield part.complain("empty_test", "Write a value, a list, or one of " + ", ".join(_TABLE))
    unknown = [name for name in names if name not in _TABLE]
    for name in unknown:
        message = f"{quoted(name)} is no operator: {instead(name, _TABLE)}"
        yield part.member(name).complain("unknown_operator", message)
    bounds_only = len(names) <= _MOST_BOUNDS and set(names) <= set(BOUNDS)
    if len(names) > 1 and not unknown and not bounds_only:
        message = f"Write one operator; only two of {', '.join(BOUNDS)} may stand together"
        yield part.complain("operators_together", message)
    for name, operand in part.members():
        if name in _TABLE:
            yield from _TABLE[name](operand, fact, settings)


def _wrong_known(part: Part, _: Fact, __: Mapping[str, Any]) -> Iterator[Complaint]:
    if is_reference(part.value):
        yield from wrong_reference(part, {SettingType.BOOLEAN})
    elif not isinstance(part.value, bool):
        yield part.complain("wrong_type", "Write {known: true} or {known: false}")


def _wrong_language(part: Part, fact: Fact, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if fact.type is not FactType.STRING:
        message = f"{fact.name} holds no language tag: ask it of a text, such as message.language"
        yield part.complain("wrong_operator", message)
    elif isinstance(part.value, list):
        yield from wrong_length(part)
        for item in part.items():
            yield from _wrong_range(item)
    else:
        yield from _wrong_range(part)


def _wrong_range(part: Part) -> Iterator[Complaint]:
    if is_reference(part.value):
        yield from wrong_reference(part, {SettingType.RANGES, SettingType.TAG})
    else:
        yield from wrong_range(part)


def wrong_range(part: Part) -> Iterator[Complaint]:
    """A complaint where this is no basic language range (RFC 4647, 2.1)."""
    if not isinstance(part.value, str):
        yield part.complain("wrong_type", 'Write a language range such as en, de-AT or "*"')
    elif not is_range(part.value):
        message = f'{quoted(part.value)} is no language range: write one such as en, de-AT or "*"'
        yield part.complain("malformed_range", message)


def _wrong_bound(part: Part, fact: Fact, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if fact.type is not FactType.INTEGER:
        message = f"{fact.name} is no number: write a value, or a list of values"
        yield part.complain("wrong_operator", message)
    elif is_reference(part.value):
        yield from wrong_reference(part, {SettingType.COUNT})
    elif isinstance(part.value, bool) or not isinstance(part.value, int | float):
        yield part.complain("wrong_type", "A bound is a number")


_TABLE: dict[str, Callable[[Part, Fact, Mapping[str, Any]], Iterator[Complaint]]] = {
    Test.NOT: wrong_test,
    Test.KNOWN: _wrong_known,
    Test.LANGUAGE: _wrong_language,
    **dict.fromkeys(BOUNDS, _wrong_bound),
}
"""What each operator wants of its operand."""
