"""Each setting is one there is, with a value of its type, and none contradicts another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats import durations
from rules.formats.language_tags import tag_of
from rules.formats.suggestions import instead, quoted
from rules.model import builtin
from rules.model.vocabulary import SETTINGS, SettingType
from rules.validation.checks.actions import wrong_destination, wrong_follow_ups
from rules.validation.checks.conditions import MOST_VALUES, wrong_range
from rules.validation.checks.redirect import wrong_redirect
from rules.validation.checks.references import refuse_references
from rules.validation.checks.values import wrong_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Draft, Part

_LARGEST_COUNT = 100
_ROUTES = ("assign", "redirect")
_NEEDS_FIELDS = {"qualify_leads": "qualification_fields", "collect_contact": "contact_fields"}
"""What asks for details when it is on, and the setting that lists them."""


def check(draft: Draft) -> Iterator[Complaint]:
    settings = draft.root.mapping("settings")
    for name, part in settings.members():
        yield from wrong_setting(name, part, draft.settings)
    yield from contradictions(draft.settings, settings.member)


def wrong_setting(name: str, part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with one setting, whatever the others are."""
    if name not in SETTINGS:
        message = f"{quoted(name)} is no setting: {instead(name, SETTINGS)}"
        yield part.complain("unknown_setting", message)
        return
    references = list(refuse_references(part))
    yield from references
    if references:
        return
    if SETTINGS[name].type is SettingType.ACTIONS:
        yield from wrong_follow_ups(part, settings)
    else:
        yield from _CHECKS[SETTINGS[name].type](part)


def sound_settings(draft: Draft) -> dict[str, Any]:
    """The settings of the document, the default one in the place of each that is wrong."""
    defaults: Mapping[str, Any] = builtin.tree()["settings"]
    own = {
        name: part.value
        for name, part in draft.root.mapping("settings").members()
        if not any(wrong_setting(name, part, draft.settings))
    }
    return {**defaults, **own}


def contradictions(
    settings: Mapping[str, Any], place: Callable[[str], Part]
) -> Iterator[Complaint]:
    """What is wrong with settings together; `place` says where one stands."""
    if settings.get("customer_route") == "redirect" and settings.get("redirect") is None:
        message = (
            "customer_route is redirect: set redirect to {email: …}, {website: …} or {phone: …}"
        )
        yield place("redirect").complain("redirect_missing", message)
    for switch, listed in _NEEDS_FIELDS.items():
        if settings.get(switch) is True and settings.get(listed) == []:
            message = f"{switch} is on, and this is empty: list fields, or switch it off"
            yield place(listed).complain("contradicting_settings", message)


def _boolean(part: Part) -> Iterator[Complaint]:
    if not isinstance(part.value, bool):
        yield part.complain("wrong_type", "Write true or false")


def _count(part: Part) -> Iterator[Complaint]:
    if not isinstance(part.value, int) or isinstance(part.value, bool):
        yield part.complain("wrong_type", "Write a whole number")
    elif not 0 <= part.value <= _LARGEST_COUNT:
        yield part.complain("out_of_range", f"Write a whole number from 0 to {_LARGEST_COUNT}")


def _ranges(part: Part) -> Iterator[Complaint]:
    if not isinstance(part.value, list):
        yield part.complain("wrong_type", "Write a list of language ranges, such as [en, de-AT]")
    elif len(part.value) > MOST_VALUES:
        yield part.complain("too_many", f"Write at most {MOST_VALUES:,}")
    for item in part.items():
        yield from wrong_range(item)


def _tag(part: Part) -> Iterator[Complaint]:
    if not isinstance(part.value, str):
        yield part.complain("wrong_type", "Write a language tag such as en")
    else:
        yield from wrong_tag(part, part.value)


def wrong_tag(part: Part, text: str) -> Iterator[Complaint]:
    """A complaint where the text is no language tag as BCP 47 writes one."""
    if tag_of(text) != text:
        message = f"{quoted(text)} is no language tag: write one such as en or de-AT"
        yield part.complain("malformed_tag", message)


def _route(part: Part) -> Iterator[Complaint]:
    if part.value not in _ROUTES:
        yield part.complain("not_in_enum", f"Write {' or '.join(_ROUTES)}")


def _redirect(part: Part) -> Iterator[Complaint]:
    if part.value is not None:
        yield from wrong_redirect(part)


def _duration(part: Part) -> Iterator[Complaint]:
    if not isinstance(part.value, str):
        yield part.complain("wrong_type", "Write a duration such as PT3M")
        return
    try:
        durations.parse(part.value)
    except ValueError as error:
        yield part.complain("malformed_duration", f"{quoted(part.value)}: {error}")


def _office_hours(part: Part) -> Iterator[Complaint]:
    if part.value is not None:
        message = "Office hours are not supported yet: write null, which means always open"
        yield part.complain("office_hours_unsupported", message)


_CHECKS: dict[SettingType, Callable[[Part], Iterator[Complaint]]] = {
    SettingType.BOOLEAN: _boolean,
    SettingType.COUNT: _count,
    SettingType.NAMES: wrong_names,
    SettingType.RANGES: _ranges,
    SettingType.TAG: _tag,
    SettingType.ROUTE: _route,
    SettingType.DESTINATION: wrong_destination,
    SettingType.REDIRECT: _redirect,
    SettingType.DURATION: _duration,
    SettingType.OFFICE_HOURS: _office_hours,
}
"""What is wrong with a setting of each type; a list of actions needs the other settings too."""
