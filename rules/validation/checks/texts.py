"""Each action that speaks finds its text, and each placeholder of it is filled in.

A text is looked up in the languages of the conversation and then in `default_language`, so one
that is reachable from there is enough. Any translation may be the one that is sent, so all are
looked at for placeholders; of an action that these settings never carry out, none is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.engine.evaluator import holds
from rules.formats.language_tags import lookup
from rules.formats.suggestions import instead, quoted
from rules.model.document import condition, resolve, setting_facts
from rules.model.vocabulary import MESSAGES_OF, PLACEHOLDERS, SETTING_FACTS, SPEAKING, ActionType
from rules.validation.checks.conditions import wrong_test
from rules.validation.checks.settings import sound_settings
from rules.validation.checks.whens import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rules.errors import Complaint
    from rules.model.document_tree import Draft, Part, Written


def check(draft: Draft) -> Iterator[Complaint]:
    settings = sound_settings(draft)
    for written in draft.actions():
        for key in _keys(written.action):
            yield from _missing_text(written.action, key, draft)
        if not _never(written, settings):
            yield from _missing_members(written.action, draft)


def _keys(action: Part) -> tuple[str, ...]:
    """The keys of the messages that an action uses."""
    value = action.value
    name = next((key for key in value if key != "when"), "") if isinstance(value, dict) else value
    if name in tuple(MESSAGES_OF):
        return MESSAGES_OF[ActionType(name)]
    said = value.get(name) if isinstance(value, dict) and name in SPEAKING else None
    key = said.get("message") if isinstance(said, dict) else None
    return (key,) if isinstance(key, str) else ()


def _missing_text(action: Part, key: str, draft: Draft) -> Iterator[Complaint]:
    tags = [tag for tag, texts in draft.messages.items() if key in texts]
    default = draft.settings["default_language"]
    if not tags:
        known = sorted({key for texts in draft.messages.values() for key in texts})
        message = f"There is no message {quoted(key)}: {instead(key, known)}"
        yield action.complain("unknown_message", message)
    elif isinstance(default, str) and lookup(default, tags) is None:
        message = (
            f"Message {quoted(key)} has no text in {quoted(default)}: write one under messages"
        )
        yield action.complain("missing_text", message)


def _missing_members(action: Part, draft: Draft) -> Iterator[Complaint]:
    redirect = draft.settings["redirect"]
    texts = [
        of_tag[key] for of_tag in draft.messages.values() for key in _keys(action) if key in of_tag
    ]
    if isinstance(action.value, dict):
        texts += [said for name in SPEAKING if isinstance(said := action.value.get(name), str)]
    for name in PLACEHOLDERS:
        there = isinstance(redirect, dict) and name in redirect
        if not there and any(f"{{{name}}}" in text for text in texts):
            message = f"Its text holds {{{name}}}, and settings.redirect has no {name}: set it"
            yield action.complain("missing_placeholder", message)


def _never(written: Written, settings: Mapping[str, Any]) -> bool:
    """Whether these settings alone keep the action from being carried out."""
    holders = [part for part in (written.action, written.rule) if part and _is_mapping(part.value)]
    whens = (holder.mapping("when") for holder in holders)
    return any(_contradicted(when, settings) for when in whens)


def _is_mapping(value: Any) -> bool:  # noqa: ANN401 - any JSON value
    return isinstance(value, dict)


def _contradicted(when: Part, settings: Mapping[str, Any]) -> bool:
    alternatives = list(when.member(ANY).mappings())
    return _fails(when, settings) or (
        bool(alternatives) and all(_fails(row, settings) for row in alternatives)
    )


def _fails(row: Part, settings: Mapping[str, Any]) -> bool:
    """Whether a test of a setting fails; one that is wrong is another check's business."""
    facts = setting_facts(settings)
    for name, test in row.members():
        if name not in SETTING_FACTS:
            continue
        if any(wrong_test(test, SETTING_FACTS[name], settings)):
            return True
        if not holds(condition(resolve(test.value, settings)), facts.get(name)):
            return True
    return False
