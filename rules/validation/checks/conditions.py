"""Each test fits its fact: the operator, and the type and range of its values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.language_tags import is_language_range, suggest_tag
from rules.formats.suggestions import quote_word, suggest_words
from rules.model.document import lookup_setting
from rules.model.vocabulary import BOUND_OPERATORS, FactType, Operator, SettingType
from rules.validation.checks.references import LIST_AND_TEXT_TYPES, check_reference, is_reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import TreeNode
    from rules.model.vocabulary import Fact
    from rules.validation.checks.references import ReferenceTypes

MAX_VALUE_LENGTH = 1_000
MAX_VALUES = 1_000
_MAX_BOUNDS = 2

_REFERENCE_TYPES: dict[FactType, ReferenceTypes] = {
    FactType.STRING: LIST_AND_TEXT_TYPES,
    FactType.ENUM: LIST_AND_TEXT_TYPES,
    FactType.BOOLEAN: {SettingType.BOOLEAN},
    FactType.INTEGER: {SettingType.COUNT},
}
_VALUE_HINTS = {
    FactType.STRING: "a text, in quotes if necessary",
    FactType.BOOLEAN: "true or false",
    FactType.INTEGER: "a whole number",
}


def check_test(node: TreeNode, fact: Fact, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield the complaints about a test of this fact."""
    if node.value is None:
        yield node.complain("null_test", "No value equals null: write {known: false}")
    elif isinstance(node.value, dict):
        yield from _check_operators(node, fact, settings)
    elif fact.type is FactType.WHOLE:
        message = f"{fact.name} is a list or a mapping: test {{known: true}} or {{known: false}}"
        yield node.complain("wrong_operator", message)
    elif isinstance(node.value, list):
        yield from check_length(node)
        for item in node.items():
            if item.value is None:
                yield item.complain("null_test", "No value equals null: write {known: false}")
            else:
                yield from _check_operand(item, fact, settings)
    else:
        yield from _check_operand(node, fact, settings)


def check_length(node: TreeNode) -> Iterator[Complaint]:
    """Yield a complaint if a list is empty or too long."""
    if not node.value:
        yield node.complain("empty_list", "An empty list matches nothing: write at least one value")
    elif len(node.value) > MAX_VALUES:
        yield node.complain("too_many", f"Write at most {MAX_VALUES:,} values")


def check_value(node: TreeNode, fact: Fact) -> Iterator[Complaint]:
    """Yield the complaints about a literal value of this fact."""
    value = node.value
    if fact.type is FactType.ENUM:
        if value not in fact.values or not isinstance(value, str):
            subject = quote_word(value) if isinstance(value, str) else "This"
            suggestion = suggest_words(str(value), fact.values)
            message = f"{subject} is not a value of {fact.name}: {suggestion}"
            yield node.complain("not_in_enum", message)
    elif not _has_type(fact.type, value):
        yield node.complain(
            "wrong_type", f"{fact.name} is {fact.type}: write {_VALUE_HINTS[fact.type]}"
        )
    elif isinstance(value, str) and len(value) > MAX_VALUE_LENGTH:
        yield node.complain("too_long", f"Write at most {MAX_VALUE_LENGTH:,} characters")


def _has_type(fact_type: FactType, value: Any) -> bool:  # noqa: ANN401 - any JSON value
    match fact_type:
        case FactType.STRING:
            return isinstance(value, str)
        case FactType.BOOLEAN:
            return isinstance(value, bool)
        case _:
            return isinstance(value, int) and not isinstance(value, bool)


def _check_operand(node: TreeNode, fact: Fact, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield the complaints about a value, or about a reference in its place."""
    if not is_reference(node.value):
        yield from check_value(node, fact)
        return
    complaints = list(check_reference(node, _REFERENCE_TYPES[fact.type]))
    if not complaints and fact.type is FactType.ENUM:
        setting = lookup_setting(settings, node.value[1:])
        for value in setting if isinstance(setting, list) else [setting]:
            complaints += check_value(node._replace(value=value), fact) if value is not None else ()
    yield from complaints


def _check_operators(
    node: TreeNode, fact: Fact, settings: Mapping[str, Any]
) -> Iterator[Complaint]:
    names = list(node.value)
    if not names:
        yield node.complain(
            "empty_test", "Write a value, a list, or one of " + ", ".join(_OPERAND_CHECKS)
        )
    unknown = [name for name in names if name not in _OPERAND_CHECKS]
    for name in unknown:
        message = f"{quote_word(name)} is not an operator: {suggest_words(name, _OPERAND_CHECKS)}"
        yield node.member(name).complain("unknown_operator", message)
    bounds_only = len(names) <= _MAX_BOUNDS and set(names) <= set(BOUND_OPERATORS)
    if len(names) > 1 and not unknown and not bounds_only:
        message = f"Write one operator, or two of {', '.join(BOUND_OPERATORS)}"
        yield node.complain("operators_together", message)
    for name, operand in node.members():
        if name in _OPERAND_CHECKS:
            yield from _OPERAND_CHECKS[name](operand, fact, settings)


def _check_known(node: TreeNode, _: Fact, __: Mapping[str, Any]) -> Iterator[Complaint]:
    if is_reference(node.value):
        yield from check_reference(node, {SettingType.BOOLEAN})
    elif not isinstance(node.value, bool):
        yield node.complain("wrong_type", "Write {known: true} or {known: false}")


def _check_language(node: TreeNode, fact: Fact, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if fact.type is not FactType.STRING:
        message = f"{fact.name} is not a language tag: use a text fact, such as message.language"
        yield node.complain("wrong_operator", message)
    elif isinstance(node.value, list):
        yield from check_length(node)
        for item in node.items():
            yield from _check_range_or_reference(item)
    else:
        yield from _check_range_or_reference(node)


def _check_range_or_reference(node: TreeNode) -> Iterator[Complaint]:
    if is_reference(node.value):
        yield from check_reference(node, {SettingType.RANGES, SettingType.TAG})
    else:
        yield from check_range(node)


def check_range(node: TreeNode) -> Iterator[Complaint]:
    """Yield a complaint if the text is not a basic language range (RFC 4647, 2.1)."""
    if not isinstance(node.value, str):
        yield node.complain("wrong_type", 'Write a language range such as en, de-AT or "*"')
    elif not is_language_range(node.value):
        word = quote_word(node.value)
        message = f'{word} is not a language range: write a range such as en, de-AT or "*"'
        yield node.complain("malformed_range", message)
    elif (suggested := suggest_tag(node.value)) is not None:
        write = suggested or "a code such as en or de-AT"
        message = f"{quote_word(node.value)} is not a language code: write {write}"
        yield node.complain("malformed_range", message)


def _check_bound(node: TreeNode, fact: Fact, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if fact.type is not FactType.INTEGER:
        message = f"{fact.name} is not a number: write a value, or a list of values"
        yield node.complain("wrong_operator", message)
    elif is_reference(node.value):
        yield from check_reference(node, {SettingType.COUNT})
    elif isinstance(node.value, bool) or not isinstance(node.value, int | float):
        yield node.complain("wrong_type", "Write a number as the bound")


_OPERAND_CHECKS: dict[str, Callable[[TreeNode, Fact, Mapping[str, Any]], Iterator[Complaint]]] = {
    Operator.NOT: check_test,
    Operator.KNOWN: _check_known,
    Operator.LANGUAGE: _check_language,
    **dict.fromkeys(BOUND_OPERATORS, _check_bound),
}
"""The check of each operator's operand."""
