"""`$name` for a whole value names a setting, and its type fits the place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from rules.formats.suggestions import quote_word, suggest_words
from rules.model.document import REFERENCE, lookup_setting
from rules.model.vocabulary import SETTING_FACTS, SETTINGS, FactType, SettingType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import TreeNode

_REFERENCE_LIKE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_.-]*")

MEMBER_TYPE = FactType.STRING
"""The type of the members of settings: all are texts."""
ReferenceTypes: TypeAlias = "Collection[SettingType | FactType]"

TEXT_TYPES: ReferenceTypes = frozenset(
    {SettingType.TAG, SettingType.ROUTE, SettingType.DURATION, MEMBER_TYPE}
)
LIST_AND_TEXT_TYPES: ReferenceTypes = frozenset(
    {*TEXT_TYPES, SettingType.NAMES, SettingType.RANGES}
)


def is_reference(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Return True if the value is written like `$name`."""
    return isinstance(value, str) and _REFERENCE_LIKE.fullmatch(value) is not None


def setting_type(name: str) -> SettingType | FactType | None:
    """Return the type of a setting, or of a member of one; None if there is none."""
    if name in SETTINGS:
        return SETTINGS[name].type
    return MEMBER_TYPE if f"settings.{name}" in SETTING_FACTS else None


def check_reference(node: TreeNode, types: ReferenceTypes) -> Iterator[Complaint]:
    """Yield the complaints about a reference in a place for settings of these types."""
    name = node.value[1:]
    type_ = setting_type(name) if REFERENCE.fullmatch(node.value) else None
    if type_ is None:
        setting_names = [fact.removeprefix("settings.") for fact in SETTING_FACTS]
        yield node.complain(
            "unknown_setting",
            f"{quote_word(name)} is not a setting: {suggest_words(name, setting_names)}",
        )
    elif type_ not in types:
        fitting = [n for n in SETTINGS if setting_type(n) in types]
        hint = f"use {', '.join('$' + n for n in fitting)}" if fitting else "write a value"
        yield node.complain("wrong_reference", f"{node.value} has the wrong type here: {hint}")


def check_reference_is_set(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield a complaint if a setting that an action needs is not set."""
    if lookup_setting(settings, node.value[1:]) is None and setting_type(node.value[1:]):
        message = f"{node.value} is not set: set it, or write a value"
        yield node.complain("unset_reference", message)


def check_no_references(node: TreeNode) -> Iterator[Complaint]:
    """Yield a complaint for each reference in a place that allows none."""
    stack = [node]
    while stack:
        inner_node = stack.pop()
        if isinstance(inner_node.value, dict):
            stack.extend(member for _, member in inner_node.members())
        elif isinstance(inner_node.value, list):
            stack.extend(inner_node.items())
        elif is_reference(inner_node.value) and REFERENCE.fullmatch(inner_node.value):
            message = f"A setting cannot refer to a setting: write the value of {inner_node.value}"
            yield inner_node.complain("reference_in_setting", message)
