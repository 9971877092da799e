"""Each setting exists and has a value of its type, and no setting contradicts another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats import durations
from rules.formats.language_tags import parse_tag, suggest_tag
from rules.formats.suggestions import quote_word, suggest_words
from rules.model import builtin
from rules.model.vocabulary import SETTINGS, SettingType
from rules.validation.checks.actions import check_destination, check_follow_ups
from rules.validation.checks.conditions import MAX_VALUES, check_range
from rules.validation.checks.redirect import check_redirect
from rules.validation.checks.references import check_no_references
from rules.validation.checks.values import check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode

_MAX_COUNT = 100
_ROUTES = ("assign", "redirect")
_FIELDS_BY_SWITCH = {"qualify_leads": "qualification_fields", "collect_contact": "contact_fields"}
"""The switches that ask for details, each with the setting that lists the fields."""


def check_settings(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's settings."""
    settings = tree.root.mapping("settings")
    for name, node in settings.members():
        yield from check_setting(name, node, tree.settings)
    yield from check_contradictions(tree.settings, settings.member)


def check_setting(name: str, node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield the complaints about one setting, independent of the others."""
    if name not in SETTINGS:
        message = f"{quote_word(name)} is not a setting: {suggest_words(name, SETTINGS)}"
        yield node.complain("unknown_setting", message)
        return
    references = list(check_no_references(node))
    yield from references
    if references:
        return
    if SETTINGS[name].type is SettingType.ACTIONS:
        yield from check_follow_ups(node, settings)
    else:
        yield from _SETTING_CHECKS[SETTINGS[name].type](node)


def valid_settings(tree: DocumentTree) -> dict[str, Any]:
    """Return the document's settings, with the default in place of each invalid one."""
    defaults: Mapping[str, Any] = builtin.load_tree()["settings"]
    valid = {
        name: node.value
        for name, node in tree.root.mapping("settings").members()
        if not any(check_setting(name, node, tree.settings))
    }
    return {**defaults, **valid}


def check_contradictions(
    settings: Mapping[str, Any], find_node: Callable[[str], TreeNode]
) -> Iterator[Complaint]:
    """Yield the complaints about settings together; `find_node` returns a setting's place."""
    if settings.get("customer_route") == "redirect" and settings.get("redirect") is None:
        message = (
            "customer_route is redirect: set redirect to {email: …}, {website: …} or {phone: …}"
        )
        yield find_node("redirect").complain("redirect_missing", message)
    for switch, fields in _FIELDS_BY_SWITCH.items():
        if settings.get(switch) is True and settings.get(fields) == []:
            message = f"{switch} is on, but {fields} is empty: list fields, or switch it off"
            yield find_node(fields).complain("contradicting_settings", message)


def _check_boolean(node: TreeNode) -> Iterator[Complaint]:
    if not isinstance(node.value, bool):
        yield node.complain("wrong_type", "Write true or false")


def _check_count(node: TreeNode) -> Iterator[Complaint]:
    if not isinstance(node.value, int) or isinstance(node.value, bool):
        yield node.complain("wrong_type", "Write a whole number")
    elif not 0 <= node.value <= _MAX_COUNT:
        yield node.complain("out_of_range", f"Write a whole number from 0 to {_MAX_COUNT}")


def _check_ranges(node: TreeNode) -> Iterator[Complaint]:
    if not isinstance(node.value, list):
        yield node.complain("wrong_type", "Write a list of language ranges, such as [en, de-AT]")
    elif len(node.value) > MAX_VALUES:
        yield node.complain("too_many", f"Write at most {MAX_VALUES:,} language ranges")
    for item in node.items():
        yield from check_range(item)


def _check_tag(node: TreeNode) -> Iterator[Complaint]:
    if not isinstance(node.value, str):
        yield node.complain("wrong_type", "Write a language tag such as en")
    else:
        yield from check_tag(node, node.value)


def check_tag(node: TreeNode, text: str) -> Iterator[Complaint]:
    """Yield a complaint if the text is not a language tag (BCP 47)."""
    if parse_tag(text) != text:
        message = f"{quote_word(text)} is not a language tag: write a tag such as en or de-AT"
        yield node.complain("malformed_tag", message)
    elif (suggested := suggest_tag(text)) is not None:
        write = suggested or "a code such as en or de-AT"
        message = f"{quote_word(text)} is not a language code: write {write}"
        yield node.complain("malformed_tag", message)


def _check_route(node: TreeNode) -> Iterator[Complaint]:
    if node.value not in _ROUTES:
        yield node.complain("not_in_enum", f"Write {' or '.join(_ROUTES)}")


def _check_redirect(node: TreeNode) -> Iterator[Complaint]:
    if node.value is not None:
        yield from check_redirect(node)


def _check_duration(node: TreeNode) -> Iterator[Complaint]:
    if not isinstance(node.value, str):
        yield node.complain("wrong_type", "Write a duration such as PT3M")
        return
    try:
        durations.parse_duration(node.value)
    except ValueError as error:
        yield node.complain("malformed_duration", f"{quote_word(node.value)}: {error}")


def _check_office_hours(node: TreeNode) -> Iterator[Complaint]:
    if node.value is not None:
        message = "Office hours are not supported yet: write null for always open"
        yield node.complain("office_hours_unsupported", message)


_SETTING_CHECKS: dict[SettingType, Callable[[TreeNode], Iterator[Complaint]]] = {
    SettingType.BOOLEAN: _check_boolean,
    SettingType.COUNT: _check_count,
    SettingType.NAMES: check_names,
    SettingType.RANGES: _check_ranges,
    SettingType.TAG: _check_tag,
    SettingType.ROUTE: _check_route,
    SettingType.DESTINATION: check_destination,
    SettingType.REDIRECT: _check_redirect,
    SettingType.DURATION: _check_duration,
    SettingType.OFFICE_HOURS: _check_office_hours,
}
"""The check of each type of setting. A list of actions needs the other settings too."""
