"""Each action is one there is, with the argument it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.suggestions import instead, quoted
from rules.model.vocabulary import BARE_ACTIONS, FOLLOW_UPS, ActionType, SettingType
from rules.validation.checks.references import TEXTS, is_reference, unset_reference, wrong_reference
from rules.validation.checks.values import LONGEST_TEXT, wrong_name, wrong_names, wrong_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Draft, Part
    from rules.validation.checks.references import Types

MOST_ACTIONS = 100
_ACTIONS = tuple(action.value for action in ActionType)
_FOLLOW_UPS = tuple(action for action in _ACTIONS if action in FOLLOW_UPS)
_MEMBERS = ("team", "teammate")
_SHAPES = {
    ActionType.ASSIGN: "{assign: {team: …}} or {assign: {teammate: …}}",
    ActionType.SEND_MESSAGE: "{send_message: …}",
    ActionType.ADD_TAG: "{add_tag: …}",
    ActionType.SALESFORCE_LEAD: "{salesforce_lead: {}}",
    ActionType.NOTE: "{note: …}",
}
"""How the actions that take an argument are written."""


def check(draft: Draft) -> Iterator[Complaint]:
    for rule in (*draft.rules(), draft.root.mapping("otherwise")):
        actions = rule.member("actions")
        if isinstance(actions.value, list) and len(actions.value) > MOST_ACTIONS:
            yield actions.complain("too_many", f"Write at most {MOST_ACTIONS} actions")
    for written in draft.actions():
        if written.rule:
            yield from wrong_action(written.action, draft.settings, _ACTIONS)


def wrong_follow_ups(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with a setting that lists actions."""
    if not isinstance(part.value, list):
        yield part.complain("wrong_type", "Write a list of actions such as {add_tag: lead}")
    elif len(part.value) > MOST_ACTIONS:
        yield part.complain("too_many", f"Write at most {MOST_ACTIONS} actions")
    for action in part.items():
        if not is_reference(action.value):  # another check refuses those
            yield from wrong_action(action, settings, _FOLLOW_UPS)


def wrong_action(
    action: Part, settings: Mapping[str, Any], known: tuple[str, ...]
) -> Iterator[Complaint]:
    """What is wrong with an action in a place where those known may stand."""
    value = action.value
    if is_reference(value):
        yield from wrong_reference(action, {SettingType.ACTIONS})
    elif isinstance(value, str):
        if value not in known:
            yield action.complain("unknown_action", f"{quoted(value)}: {instead(value, known)}")
        elif value not in BARE_ACTIONS:
            message = f"{value} takes an argument: write {_SHAPES[ActionType(value)]}"
            yield action.complain("wrong_argument", message)
    elif isinstance(value, dict):
        yield from _wrong_mapping(action, settings, known)
    else:
        yield action.complain("wrong_type", "Write an action's name, or {name: argument}")


def _wrong_mapping(
    action: Part, settings: Mapping[str, Any], known: tuple[str, ...]
) -> Iterator[Complaint]:
    named = [(name, argument) for name, argument in action.members() if name != "when"]
    if "when" in action.value and not isinstance(action.value["when"], dict):
        yield action.member("when").complain("wrong_type", "Write a mapping of facts and tests")
    unknown = [(name, argument) for name, argument in named if name not in known]
    for name, argument in unknown:
        yield argument.complain("unknown_action", f"{quoted(name)}: {instead(name, known)}")
    if len(named) != 1 and not unknown:
        yield action.complain("not_one_action", "Write one action, and `when` beside it if need be")
    for name, argument in named:
        if name in known:
            yield from _ARGUMENTS[ActionType(name)](argument, settings)


def _wrong_nothing(part: Part, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if part.value is not None:
        yield part.complain("wrong_argument", "It takes no argument: write its name alone")


def _or_reference(
    part: Part,
    settings: Mapping[str, Any],
    types: Types,
    otherwise: Callable[[Part], Iterator[Complaint]],
) -> Iterator[Complaint]:
    if is_reference(part.value):
        yield from wrong_reference(part, types)
        yield from unset_reference(part, settings)
    else:
        yield from otherwise(part)


def _wrong_assign(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    def wrong_members(part: Part) -> Iterator[Complaint]:
        yield from wrong_destination(
            part, lambda name: _or_reference(name, settings, TEXTS, wrong_name)
        )

    return _or_reference(part, settings, {SettingType.DESTINATION}, wrong_members)


def wrong_destination(
    part: Part, wrong_member: Callable[[Part], Iterator[Complaint]] = wrong_name
) -> Iterator[Complaint]:
    """What is wrong with `{team: …}` or `{teammate: …}`."""
    if not isinstance(part.value, dict) or len(part.value) != 1:
        yield part.complain("wrong_argument", "Write {team: …} or {teammate: …}")
        return
    for key, member in part.members():
        if key in _MEMBERS:
            yield from wrong_member(member)
        else:
            message = f"{quoted(key)} is no key here: {instead(key, _MEMBERS)}"
            yield member.complain("unknown_key", message)


def _wrong_tag(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    return _or_reference(part, settings, TEXTS, wrong_name)


def _wrong_lead(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    if not isinstance(part.value, dict):
        yield part.complain("wrong_argument", "Write {salesforce_lead: {}} or {fields: […]} in it")
        return
    for key, member in part.members():
        if key == "fields":
            yield from _or_reference(member, settings, {SettingType.NAMES}, wrong_names)
        else:
            message = f"{quoted(key)} is no key here: there is fields"
            yield member.complain("unknown_key", message)


def _wrong_message(part: Part, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    if not isinstance(part.value, dict):
        yield from _or_reference(part, settings, TEXTS, wrong_text)
        return
    if list(part.value) != ["message"] or not isinstance(part.value["message"], str):
        message = f"Write a text of at most {LONGEST_TEXT:,} characters, or {{message: key}}"
        yield part.complain("wrong_argument", message)


_ARGUMENTS: dict[ActionType, Callable[[Part, Mapping[str, Any]], Iterator[Complaint]]] = {
    **dict.fromkeys(BARE_ACTIONS, _wrong_nothing),
    ActionType.ASSIGN: _wrong_assign,
    ActionType.SEND_MESSAGE: _wrong_message,
    ActionType.ADD_TAG: _wrong_tag,
    ActionType.SALESFORCE_LEAD: _wrong_lead,
    ActionType.NOTE: _wrong_message,
}
"""What is wrong with the argument of each action."""
