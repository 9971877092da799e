"""Each action exists and has the argument that its type takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.formats.suggestions import quote_word, suggest_words
from rules.model.vocabulary import BARE_ACTIONS, FOLLOW_UP_ACTIONS, ActionType, SettingType
from rules.validation.checks.references import (
    TEXT_TYPES,
    check_reference,
    check_reference_is_set,
    is_reference,
)
from rules.validation.checks.values import MAX_TEXT_LENGTH, check_name, check_names, check_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode
    from rules.validation.checks.references import ReferenceTypes

MAX_ACTIONS = 100
_ACTION_NAMES = tuple(action.value for action in ActionType)
_FOLLOW_UP_NAMES = tuple(action for action in _ACTION_NAMES if action in FOLLOW_UP_ACTIONS)
_DESTINATION_KEYS = ("team", "teammate")
_ARGUMENT_HINTS = {
    ActionType.ASSIGN: "{assign: {team: …}} or {assign: {teammate: …}}",
    ActionType.SEND_MESSAGE: "{send_message: …}",
    ActionType.ADD_TAG: "{add_tag: …}",
    ActionType.SALESFORCE_LEAD: "{salesforce_lead: {}}",
    ActionType.NOTE: "{note: …}",
}
"""The notation of actions that take an argument."""


def check_actions(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's actions."""
    for rule in (*tree.rules(), tree.root.mapping("otherwise")):
        actions = rule.member("actions")
        if isinstance(actions.value, list) and len(actions.value) > MAX_ACTIONS:
            yield actions.complain("too_many", f"Write at most {MAX_ACTIONS} actions")
    for action in tree.actions():
        if action.rule:
            yield from check_action(action.node, tree.settings, _ACTION_NAMES)


def check_follow_ups(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    """Yield the complaints about a setting that lists actions."""
    if not isinstance(node.value, list):
        yield node.complain("wrong_type", "Write a list of actions such as {add_tag: lead}")
    elif len(node.value) > MAX_ACTIONS:
        yield node.complain("too_many", f"Write at most {MAX_ACTIONS} actions")
    for action in node.items():
        if not is_reference(action.value):  # the check of references complains about it
            yield from check_action(action, settings, _FOLLOW_UP_NAMES)


def check_action(
    action: TreeNode, settings: Mapping[str, Any], known_actions: tuple[str, ...]
) -> Iterator[Complaint]:
    """Yield the complaints about an action in a place that allows the known actions."""
    value = action.value
    if is_reference(value):
        yield from check_reference(action, {SettingType.ACTIONS})
    elif isinstance(value, str):
        if value not in known_actions:
            yield action.complain(
                "unknown_action",
                f"{quote_word(value)} is not an action here: {suggest_words(value, known_actions)}",
            )
        elif value not in BARE_ACTIONS:
            message = f"{value} takes an argument: write {_ARGUMENT_HINTS[ActionType(value)]}"
            yield action.complain("wrong_argument", message)
    elif isinstance(value, dict):
        yield from _check_mapping(action, settings, known_actions)
    else:
        yield action.complain("wrong_type", "Write the name of an action, or {name: argument}")


def _check_mapping(
    action: TreeNode, settings: Mapping[str, Any], known_actions: tuple[str, ...]
) -> Iterator[Complaint]:
    arguments = [(name, argument) for name, argument in action.members() if name != "when"]
    if "when" in action.value and not isinstance(action.value["when"], dict):
        yield action.member("when").complain("wrong_type", "Write a mapping of facts and tests")
    unknown = [(name, argument) for name, argument in arguments if name not in known_actions]
    for name, argument in unknown:
        yield argument.complain(
            "unknown_action",
            f"{quote_word(name)} is not an action here: {suggest_words(name, known_actions)}",
        )
    if len(arguments) != 1 and not unknown:
        yield action.complain("not_one_action", "Write exactly one action, with or without `when`")
    for name, argument in arguments:
        if name in known_actions:
            yield from _ARGUMENT_CHECKS[ActionType(name)](argument, settings)


def _check_no_argument(node: TreeNode, _: Mapping[str, Any]) -> Iterator[Complaint]:
    if node.value is not None:
        yield node.complain("wrong_argument", "The action takes no argument: write its name alone")


def _check_reference_or(
    node: TreeNode,
    settings: Mapping[str, Any],
    types: ReferenceTypes,
    check_value: Callable[[TreeNode], Iterator[Complaint]],
) -> Iterator[Complaint]:
    if is_reference(node.value):
        yield from check_reference(node, types)
        yield from check_reference_is_set(node, settings)
    else:
        yield from check_value(node)


def _check_assign(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    def wrong_members(node: TreeNode) -> Iterator[Complaint]:
        yield from check_destination(
            node, lambda name: _check_reference_or(name, settings, TEXT_TYPES, check_name)
        )

    return _check_reference_or(node, settings, {SettingType.DESTINATION}, wrong_members)


def check_destination(
    node: TreeNode, wrong_member: Callable[[TreeNode], Iterator[Complaint]] = check_name
) -> Iterator[Complaint]:
    """Yield the complaints about `{team: …}` or `{teammate: …}`."""
    if not isinstance(node.value, dict) or len(node.value) != 1:
        yield node.complain("wrong_argument", "Write {team: …} or {teammate: …}")
        return
    for key, member in node.members():
        if key in _DESTINATION_KEYS:
            yield from wrong_member(member)
        else:
            message = (
                f"{quote_word(key)} is not a key here: {suggest_words(key, _DESTINATION_KEYS)}"
            )
            yield member.complain("unknown_key", message)


def _check_tag(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    return _check_reference_or(node, settings, TEXT_TYPES, check_name)


def _check_salesforce_lead(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    if not isinstance(node.value, dict):
        yield node.complain(
            "wrong_argument", "Write {salesforce_lead: {}} or {salesforce_lead: {fields: […]}}"
        )
        return
    for key, member in node.members():
        if key == "fields":
            yield from _check_reference_or(member, settings, {SettingType.NAMES}, check_names)
        else:
            message = f"{quote_word(key)} is not a key here: use fields"
            yield member.complain("unknown_key", message)


def _check_message(node: TreeNode, settings: Mapping[str, Any]) -> Iterator[Complaint]:
    if not isinstance(node.value, dict):
        yield from _check_reference_or(node, settings, TEXT_TYPES, check_text)
        return
    if list(node.value) != ["message"] or not isinstance(node.value["message"], str):
        message = f"Write a text of at most {MAX_TEXT_LENGTH:,} characters, or {{message: key}}"
        yield node.complain("wrong_argument", message)


_ARGUMENT_CHECKS: dict[ActionType, Callable[[TreeNode, Mapping[str, Any]], Iterator[Complaint]]] = {
    **dict.fromkeys(BARE_ACTIONS, _check_no_argument),
    ActionType.ASSIGN: _check_assign,
    ActionType.SEND_MESSAGE: _check_message,
    ActionType.ADD_TAG: _check_tag,
    ActionType.SALESFORCE_LEAD: _check_salesforce_lead,
    ActionType.NOTE: _check_message,
}
"""The check of each action's argument."""
