"""What a ruling asks for, as the actions of a decision: texts in their language, deadlines set."""

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
"""Actions that a document remembers; then it forgets them all, so that no tags fill memory."""

PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def render_actions(
    ruling: Ruling,
    bound: BoundDocument,
    decision: str,
    occurred_at: str,
    languages: Languages,
) -> list[dict[str, Json]]:
    """The ruling's actions, in order.

    `decision` is the decision's id, from which theirs are made; `occurred_at` the event's time.
    """
    rendered = []
    for number, action in enumerate(ruling.actions):
        whole = {"id": f"{decision}.{number}", **_cached_body(action, bound, tuple(languages))}
        if action.type in QUESTION_ACTIONS:
            whole["expires_at"] = _compute_deadline(bound, occurred_at)
        rendered.append(whole)
    return rendered


def _cached_body(
    action: Action, bound: BoundDocument, languages: tuple[Scalar | None, ...]
) -> dict[str, Json]:
    """What is the same in every decision that asks for the action in these languages."""
    wanted = id(action), languages
    known = bound.action_cache.get(wanted)
    if known is None or known[0] is not action:
        body = {"type": action.type.value, **_BODY_RENDERERS[action.type](action, bound, languages)}
        if len(bound.action_cache) >= MAX_CACHED_ACTIONS:
            bound.action_cache.clear()
        known = bound.action_cache[wanted] = action, body
    return known[1]


def render_text(text: ActionText, bound: BoundDocument, languages: Languages) -> str:
    """The text in the first of the languages that has it, else the default one, filled in."""
    written = (
        text.literal if text.message is None else _lookup_message(text.message, bound, languages)
    )
    redirect = bound.settings["redirect"] or {}
    return PLACEHOLDER.sub(lambda found: redirect.get(found[1], ""), written or "")


def choose_language(key: str, bound: BoundDocument, languages: Languages) -> str:
    """The language in which a text of the document is said, of those that have it."""
    available = [tag for tag, texts in bound.document.messages.items() if key in texts]
    for wanted in (*languages, bound.settings["default_language"]):
        found = lookup_tag(wanted, available) if isinstance(wanted, str) else None
        if found:
            return found
    raise LookupError(f"the document has no text {key!r}, and was checked to have one")


def message_keys(action: Action) -> tuple[str, ...]:
    """The keys of the document's texts that an action says; none where it has its own words."""
    if action.type in TEXT_ACTIONS:
        return () if action.text.message is None else (action.text.message,)
    return MESSAGES_BY_ACTION.get(action.type, ())


def _lookup_message(key: str, bound: BoundDocument, languages: Languages) -> str:
    return bound.document.messages[choose_language(key, bound, languages)][key]


def _compute_deadline(bound: BoundDocument, occurred_at: str) -> str:
    return format_timestamp(parse_timestamp(occurred_at) + bound.answer_within)


def _render_ask(_: Action, bound: BoundDocument, languages: Languages) -> dict[str, Json]:
    text, customer, not_customer = (
        render_text(ActionText(message=key), bound, languages)
        for key in MESSAGES_BY_ACTION[ActionType.ASK]
    )
    choices = [
        {"value": AnswerChoice.CUSTOMER.value, "label": customer},
        {"value": AnswerChoice.NOT_CUSTOMER.value, "label": not_customer},
    ]
    return {"text": text, "choices": choices}


def _render_collect_contact(
    _: Action, bound: BoundDocument, languages: Languages
) -> dict[str, Json]:
    (key,) = MESSAGES_BY_ACTION[ActionType.COLLECT_CONTACT]
    text = render_text(ActionText(message=key), bound, languages)
    return {"fields": bound.settings["contact_fields"], "text": text}


def _render_qualify(_: Action, bound: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"fields": bound.settings["qualification_fields"]}


def _render_assign(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return dict(action.argument)


def _render_text_action(
    action: Action, bound: BoundDocument, languages: Languages
) -> dict[str, Json]:
    return {"text": render_text(action.text, bound, languages)}


def _render_add_tag(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"tag": action.argument}


def _render_salesforce_lead(action: Action, bound: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"fields": action.argument.get("fields", bound.settings["qualification_fields"])}


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
