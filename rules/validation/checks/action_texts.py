"""Each action that speaks has its text, and each placeholder in it has a value.

A text is looked up in the languages of the conversation and then in `default_language`, so one text
that is found from there is enough. Any translation may be sent, so the placeholders of all are
checked. Texts of actions that these settings never carry out are skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.engine.evaluator import condition_holds
from rules.formats.language_tags import lookup_tag
from rules.formats.suggestions import quote_word, suggest_words
from rules.model.document import derive_setting_facts, parse_condition, resolve_references
from rules.model.vocabulary import (
    MESSAGES_BY_ACTION,
    PLACEHOLDERS,
    SETTING_FACTS,
    TEXT_ACTIONS,
    ActionType,
)
from rules.validation.checks.conditions import check_test
from rules.validation.checks.settings import valid_settings
from rules.validation.checks.whens import ANY_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import ActionNode, DocumentTree, TreeNode


def check_action_texts(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the texts of actions and their placeholders."""
    settings = valid_settings(tree)
    for action in tree.actions():
        for key in _message_keys(action.node):
            yield from _check_text_exists(action.node, key, tree)
        if not _is_never_carried_out(action, settings):
            yield from _check_placeholders(action.node, tree)


def _message_keys(action: TreeNode) -> tuple[str, ...]:
    """Return the keys of the messages that an action uses."""
    value = action.value
    name = next((key for key in value if key != "when"), "") if isinstance(value, dict) else value
    if name in tuple(MESSAGES_BY_ACTION):
        return MESSAGES_BY_ACTION[ActionType(name)]
    argument = value.get(name) if isinstance(value, dict) and name in TEXT_ACTIONS else None
    key = argument.get("message") if isinstance(argument, dict) else None
    return (key,) if isinstance(key, str) else ()


def _check_text_exists(action: TreeNode, key: str, tree: DocumentTree) -> Iterator[Complaint]:
    tags = [tag for tag, texts in tree.messages.items() if key in texts]
    default = tree.settings["default_language"]
    if not tags:
        known_keys = sorted({key for texts in tree.messages.values() for key in texts})
        message = f"{quote_word(key)} is not a message: {suggest_words(key, known_keys)}"
        yield action.complain("unknown_message", message)
    elif isinstance(default, str) and lookup_tag(default, tags) is None:
        key_text, language = quote_word(key), quote_word(default)
        message = f"Message {key_text} has no text in {language}: add a text under messages"
        yield action.complain("missing_text", message)


def _check_placeholders(action: TreeNode, tree: DocumentTree) -> Iterator[Complaint]:
    redirect = tree.settings["redirect"]
    texts = [
        of_tag[key]
        for of_tag in tree.messages.values()
        for key in _message_keys(action)
        if key in of_tag
    ]
    if isinstance(action.value, dict):
        texts += [
            argument for name in TEXT_ACTIONS if isinstance(argument := action.value.get(name), str)
        ]
    for name in PLACEHOLDERS:
        is_set = isinstance(redirect, dict) and name in redirect
        if not is_set and any(f"{{{name}}}" in text for text in texts):
            message = f"The text contains {{{name}}}, but settings.redirect has no {name}: set it"
            yield action.complain("missing_placeholder", message)


def _is_never_carried_out(action: ActionNode, settings: Mapping[str, Any]) -> bool:
    """Return True if these settings alone prevent the action."""
    holders = [node for node in (action.node, action.rule) if node and _is_mapping(node.value)]
    whens = (holder.mapping("when") for holder in holders)
    return any(_is_contradicted(when, settings) for when in whens)


def _is_mapping(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, dict)


def _is_contradicted(when: TreeNode, settings: Mapping[str, Any]) -> bool:
    alternatives = list(when.member(ANY_KEY).mappings())
    return _alternative_fails(when, settings) or (
        bool(alternatives) and all(_alternative_fails(row, settings) for row in alternatives)
    )


def _alternative_fails(row: TreeNode, settings: Mapping[str, Any]) -> bool:
    """Return True if a test of a setting fails. Wrong tests are reported by another check."""
    facts = derive_setting_facts(settings)
    for name, test in row.members():
        if name not in SETTING_FACTS:
            continue
        if any(check_test(test, SETTING_FACTS[name], settings)):
            return True
        if not condition_holds(
            parse_condition(name, resolve_references(test.value, settings)), facts.get(name)
        ):
            return True
    return False
