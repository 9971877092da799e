"""Each action that speaks finds its text, and each placeholder of it is filled in.

A text is looked up in the languages of the conversation and then in `default_language`, so one
that is reachable from there is enough. Any translation may be the one that is sent, so all are
looked at for placeholders; of an action that these settings never carry out, none is.
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


def check_texts(draft: DocumentTree) -> Iterator[Complaint]:
    settings = valid_settings(draft)
    for written in draft.actions():
        for key in _message_keys(written.node):
            yield from _check_text_exists(written.node, key, draft)
        if not _is_never_carried_out(written, settings):
            yield from _check_placeholders(written.node, draft)


def _message_keys(action: TreeNode) -> tuple[str, ...]:
    """The keys of the messages that an action uses."""
    value = action.value
    name = next((key for key in value if key != "when"), "") if isinstance(value, dict) else value
    if name in tuple(MESSAGES_BY_ACTION):
        return MESSAGES_BY_ACTION[ActionType(name)]
    said = value.get(name) if isinstance(value, dict) and name in TEXT_ACTIONS else None
    key = said.get("message") if isinstance(said, dict) else None
    return (key,) if isinstance(key, str) else ()


def _check_text_exists(action: TreeNode, key: str, draft: DocumentTree) -> Iterator[Complaint]:
    tags = [tag for tag, texts in draft.messages.items() if key in texts]
    default = draft.settings["default_language"]
    if not tags:
        known = sorted({key for texts in draft.messages.values() for key in texts})
        message = f"There is no message {quote_word(key)}: {suggest_words(key, known)}"
        yield action.complain("unknown_message", message)
    elif isinstance(default, str) and lookup_tag(default, tags) is None:
        named, language = quote_word(key), quote_word(default)
        message = f"Message {named} has no text in {language}: write one under messages"
        yield action.complain("missing_text", message)


def _check_placeholders(action: TreeNode, draft: DocumentTree) -> Iterator[Complaint]:
    redirect = draft.settings["redirect"]
    texts = [
        of_tag[key]
        for of_tag in draft.messages.values()
        for key in _message_keys(action)
        if key in of_tag
    ]
    if isinstance(action.value, dict):
        texts += [said for name in TEXT_ACTIONS if isinstance(said := action.value.get(name), str)]
    for name in PLACEHOLDERS:
        there = isinstance(redirect, dict) and name in redirect
        if not there and any(f"{{{name}}}" in text for text in texts):
            message = f"Its text holds {{{name}}}, and settings.redirect has no {name}: set it"
            yield action.complain("missing_placeholder", message)


def _is_never_carried_out(written: ActionNode, settings: Mapping[str, Any]) -> bool:
    """Whether these settings alone keep the action from being carried out."""
    holders = [part for part in (written.node, written.rule) if part and _is_mapping(part.value)]
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
    """Whether a test of a setting fails; one that is wrong is another check's business."""
    facts = derive_setting_facts(settings)
    for name, test in row.members():
        if name not in SETTING_FACTS:
            continue
        if any(check_test(test, SETTING_FACTS[name], settings)):
            return True
        if not condition_holds(
            parse_condition(resolve_references(test.value, settings)), facts.get(name)
        ):
            return True
    return False
