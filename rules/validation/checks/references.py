"""`$name`, in the place of a whole value: it names a setting, one of a type that fits there."""

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
"""The type of a setting's members, which are texts all."""
ReferenceTypes: TypeAlias = "Collection[SettingType | FactType]"

TEXT_TYPES: ReferenceTypes = frozenset(
    {SettingType.TAG, SettingType.ROUTE, SettingType.DURATION, MEMBER_TYPE}
)
LIST_AND_TEXT_TYPES: ReferenceTypes = frozenset(
    {*TEXT_TYPES, SettingType.NAMES, SettingType.RANGES}
)


def is_reference(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether it is written like `$name`, whatever it names."""
    return isinstance(value, str) and _REFERENCE_LIKE.fullmatch(value) is not None


def setting_type(name: str) -> SettingType | FactType | None:
    """The type of a setting, or of a member of one; None where there is none of that name."""
    if name in SETTINGS:
        return SETTINGS[name].type
    return MEMBER_TYPE if f"settings.{name}" in SETTING_FACTS else None


def check_reference(part: TreeNode, types: ReferenceTypes) -> Iterator[Complaint]:
    """What is wrong with a reference in a place where settings of these types fit."""
    name = part.value[1:]
    found = setting_type(name) if REFERENCE.fullmatch(part.value) else None
    if found is None:
        known = [fact.removeprefix("settings.") for fact in SETTING_FACTS]
        yield part.complain(
            "unknown_setting", f"{quote_word(name)} is no setting: {suggest_words(name, known)}"
        )
    elif found not in types:
        fitting = [n for n in SETTINGS if setting_type(n) in types]
        hint = f"here fit {', '.join('$' + n for n in fitting)}" if fitting else "none fits here"
        yield part.complain("wrong_reference", f"{part.value} does not fit here: {hint}")


def check_reference_is_set(part: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """A complaint where the setting, which an action needs, is not set."""
    if lookup_setting(settings, part.value[1:]) is None and setting_type(part.value[1:]):
        message = f"{part.value} is not set: set it, or write the value itself"
        yield part.complain("unset_reference", message)


def check_no_references(part: TreeNode) -> Iterator[Complaint]:
    """A complaint for each reference inside, where none is read."""
    waiting = [part]
    while waiting:
        inner = waiting.pop()
        if isinstance(inner.value, dict):
            waiting.extend(member for _, member in inner.members())
        elif isinstance(inner.value, list):
            waiting.extend(inner.items())
        elif is_reference(inner.value) and REFERENCE.fullmatch(inner.value):
            message = f"A setting names no other setting: write the value of {inner.value}"
            yield inner.complain("reference_in_setting", message)
