"""The actions of a decision, rendered: texts in their language, deadlines set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from rules.formats.language_tags import lookup_tag
from rules.formats.timestamps import format_timestamp, parse_timestamp
from rules.model.document import ActionText
from rules.model.vocabulary import (
    MESSAGES_BY_ACTION,
    PLACEHOLDERS,
    QUESTION_ACTIONS,
    TEXT_ACTIONS,
    ActionType,
    AnswerChoice,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules.engine.ruling import Ruling
    from rules.model.document import Action, BoundDocument, Json, Scalar

    Languages: TypeAlias = Sequence[Scalar | None]
    """The tags to look texts up by, the preferred one first, None where unknown."""
    BodyRenderer: TypeAlias = Callable[[Action, BoundDocument, Languages], dict[str, Json]]

MAX_CACHED_ACTIONS = 1024
"""Rendered actions that a document caches.
A full cache is cleared, so that invented language tags cannot fill the memory.
"""

PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def render_actions(
    ruling: Ruling,
    binding: BoundDocument,
    decision_id: str,
    occurred_at: str,
    languages: Languages,
) -> list[dict[str, Json]]:
    """Return the actions of a ruling, in order.

    Their ids are made of the decision's id. Deadlines count from `occurred_at`, the event's time.
    """
    rendered = []
    for number, action in enumerate(ruling.actions):
        body = {"id": f"{decision_id}.{number}", **_cached_body(action, binding, tuple(languages))}
        if action.type in QUESTION_ACTIONS:
            body["expires_at"] = _compute_deadline(binding, occurred_at)
        rendered.append(body)
    return rendered


def _cached_body(
    action: Action, binding: BoundDocument, languages: tuple[Scalar | None, ...]
) -> dict[str, Json]:
    """Return the part of an action that is equal in all decisions with these languages."""
    key = id(action), languages
    cached = binding.action_cache.get(key)
    if cached is None or cached[0] is not action:
        body = {
            "type": action.type.value,
            **_BODY_RENDERERS[action.type](action, binding, languages),
        }
        if len(binding.action_cache) >= MAX_CACHED_ACTIONS:
            binding.action_cache.clear()
        cached = binding.action_cache[key] = action, body
    return cached[1]


def render_text(text: ActionText, binding: BoundDocument, languages: Languages) -> str:
    """Return the text in the first language that has it, else in the default one, filled in."""
    template = (
        text.literal if text.message is None else _lookup_message(text.message, binding, languages)
    )
    redirect = binding.settings["redirect"] or {}
    return PLACEHOLDER.sub(lambda match: redirect.get(match[1], ""), template or "")


def choose_language(key: str, binding: BoundDocument, languages: Languages) -> str:
    """Return the language of a message: the first that has it, else the default language."""
    available = [tag for tag, texts in binding.document.messages.items() if key in texts]
    for preferred in (*languages, binding.settings["default_language"]):
        tag = lookup_tag(preferred, available) if isinstance(preferred, str) else None
        if tag:
            return tag
    raise LookupError(f"The checked document has no text {key!r}")


def message_keys(action: Action) -> tuple[str, ...]:
    """Return the message keys that an action uses; none if it has a literal text."""
    if action.type in TEXT_ACTIONS:
        return () if action.text.message is None else (action.text.message,)
    return MESSAGES_BY_ACTION.get(action.type, ())


def _lookup_message(key: str, binding: BoundDocument, languages: Languages) -> str:
    return binding.document.messages[choose_language(key, binding, languages)][key]


def _compute_deadline(binding: BoundDocument, occurred_at: str) -> str:
    return format_timestamp(parse_timestamp(occurred_at) + binding.answer_within)


def _render_ask(_: Action, binding: BoundDocument, languages: Languages) -> dict[str, Json]:
    text, customer, not_customer = (
        render_text(ActionText(message=key), binding, languages)
        for key in MESSAGES_BY_ACTION[ActionType.ASK]
    )
    choices = [
        {"value": AnswerChoice.CUSTOMER.value, "label": customer},
        {"value": AnswerChoice.NOT_CUSTOMER.value, "label": not_customer},
    ]
    return {"text": text, "choices": choices}


def _render_collect_contact(
    _: Action, binding: BoundDocument, languages: Languages
) -> dict[str, Json]:
    (key,) = MESSAGES_BY_ACTION[ActionType.COLLECT_CONTACT]
    text = render_text(ActionText(message=key), binding, languages)
    return {"fields": binding.settings["contact_fields"], "text": text}


def _render_qualify(_: Action, binding: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"fields": binding.settings["qualification_fields"]}


def _render_assign(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return dict(action.argument)


def _render_text_action(
    action: Action, binding: BoundDocument, languages: Languages
) -> dict[str, Json]:
    return {"text": render_text(action.text, binding, languages)}


def _render_add_tag(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"tag": action.argument}


def _render_salesforce_lead(
    action: Action, binding: BoundDocument, __: Languages
) -> dict[str, Json]:
    return {"fields": action.argument.get("fields", binding.settings["qualification_fields"])}


def _render_close_conversation(_: Action, __: BoundDocument, ___: Languages) -> dict[str, Json]:
    return {}


_BODY_RENDERERS: dict[ActionType, BodyRenderer] = {
    ActionType.ASK: _render_ask,
    ActionType.COLLECT_CONTACT: _render_collect_contact,
    ActionType.QUALIFY: _render_qualify,
    ActionType.ASSIGN: _render_assign,
    ActionType.SEND_MESSAGE: _render_text_action,
    ActionType.ADD_TAG: _render_add_tag,
    ActionType.SALESFORCE_LEAD: _render_salesforce_lead,
    ActionType.NOTE: _render_text_action,
    ActionType.CLOSE_CONVERSATION: _render_close_conversation,
}
