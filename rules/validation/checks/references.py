"""`$name`, in the place of a whole value: it names a setting, one of a type that fits there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from rules.formats.suggestions import instead, quoted
from rules.model.document import REFERENCE
from rules.model.document import lookup as setting_of
from rules.model.vocabulary import SETTING_FACTS, SETTINGS, FactType, SettingType

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Part

_LOOKS_LIKE_ONE = re.compile(r"\$[A-Za-z_][A-Za-z0-9_.-]*")

MEMBER = FactType.STRING
"""The type of a setting's members, which are texts all."""
Types: TypeAlias = "Collection[SettingType | FactType]"

TEXTS: Types = frozenset({SettingType.TAG, SettingType.ROUTE, SettingType.DURATION, MEMBER})
LISTS_AND_TEXTS: Types = frozenset({*TEXTS, SettingType.NAMES, SettingType.RANGES})


def is_reference(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Whether it is written like `$name`, whatever it names."""
    return isinstance(value, str) and _LOOKS_LIKE_ONE.fullmatch(value) is not None


def type_of(name: str) -> SettingType | FactType | None:
    """The type of a setting, or of a member of one; None where there is none of that name."""
    if name in SETTINGS:
        return SETTINGS[name].type
    return MEMBER if f"settings.{name}" in SETTING_FACTS else None


def wrong_reference(part: Part, types: Types) -> Iterator[Complaint]:
    """What is wrong with a reference in a place where settings of these types fit."""
    name = part.value[1:]
    found = type_of(name) if REFERENCE.fullmatch(part.value) else None
    if found is None:
        known = [fact.removeprefix("settings.") for fact in SETTING_FACTS]
        yield part.complain(
            "unknown_setting", f"{quoted(name)} is no setting: {instead(name, known)}"
        )
    elif found not in types:
        fitting = [n for n in SETTINGS if type_of(n) in types]
        hint = f"here fit {', '.join('$' + n for n in fitting)}" if fitting else "none fits here"
        yield part.complain("wrong_reference", f"{part.value} does not fit here: {hint}")


def unset_reference(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """A complaint where the setting, which an action needs, is not set."""
    if setting_of(settings, part.value[1:]) is None and type_of(part.value[1:]):
        message = f"{part.value} is not set: set it, or write the value itself"
        yield part.complain("unset_reference", message)


def refuse_references(part: Part) -> Iterator[Complaint]:
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
