"""What a ruling asks for, as the actions of a decision: texts in their language, deadlines set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from rules.formats.language_tags import lookup
from rules.formats.timestamps import moment, rfc3339
from rules.model.document import Text
from rules.model.vocabulary import (
    MESSAGES_OF,
    PLACEHOLDERS,
    QUESTIONS,
    SPEAKING,
    ActionType,
    Answer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rules.engine.ruling import Ruling
    from rules.model.document import Action, BoundDocument, Json, Scalar

    Languages: TypeAlias = Sequence[Scalar | None]
    """The tags to look texts up by, the preferred one first, None where unknown."""
    Body: TypeAlias = Callable[[Action, BoundDocument, Languages], dict[str, Json]]

MOST_RENDERED = 1024
"""Actions that a document remembers; then it forgets them all, so that no tags fill memory."""

PLACEHOLDER = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")


def actions(
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
        whole = {"id": f"{decision}.{number}", **_body(action, bound, tuple(languages))}
        if action.type in QUESTIONS:
            whole["expires_at"] = _deadline(bound, occurred_at)
        rendered.append(whole)
    return rendered


def _body(
    action: Action, bound: BoundDocument, languages: tuple[Scalar | None, ...]
) -> dict[str, Json]:
    """What is the same in every decision that asks for the action in these languages."""
    wanted = id(action), languages
    known = bound.rendered.get(wanted)
    if known is None or known[0] is not action:
        body = {"type": action.type.value, **_BODIES[action.type](action, bound, languages)}
        if len(bound.rendered) >= MOST_RENDERED:
            bound.rendered.clear()
        known = bound.rendered[wanted] = action, body
    return known[1]


def text_of(text: Text, bound: BoundDocument, languages: Languages) -> str:
    """The text in the first of the languages that has it, else the default one, filled in."""
    written = text.literal if text.message is None else _message(text.message, bound, languages)
    redirect = bound.settings["redirect"] or {}
    return PLACEHOLDER.sub(lambda found: redirect.get(found[1], ""), written or "")


def said_in(key: str, bound: BoundDocument, languages: Languages) -> str:
    """The language in which a text of the document is said, of those that have it."""
    available = [tag for tag, texts in bound.document.messages.items() if key in texts]
    for wanted in (*languages, bound.settings["default_language"]):
        found = lookup(wanted, available) if isinstance(wanted, str) else None
        if found:
            return found
    raise LookupError(f"the document has no text {key!r}, and was checked to have one")


def keys_of(action: Action) -> tuple[str, ...]:
    """The keys of the document's texts that an action says; none where it has its own words."""
    if action.type in SPEAKING:
        return () if action.text.message is None else (action.text.message,)
    return MESSAGES_OF.get(action.type, ())


def _message(key: str, bound: BoundDocument, languages: Languages) -> str:
    return bound.document.messages[said_in(key, bound, languages)][key]


def _deadline(bound: BoundDocument, occurred_at: str) -> str:
    return rfc3339(moment(occurred_at) + bound.answer_within)


def _ask(_: Action, bound: BoundDocument, languages: Languages) -> dict[str, Json]:
    text, customer, not_customer = (
        text_of(Text(message=key), bound, languages) for key in MESSAGES_OF[ActionType.ASK]
    )
    choices = [
        {"value": Answer.CUSTOMER.value, "label": customer},
        {"value": Answer.NOT_CUSTOMER.value, "label": not_customer},
    ]
    return {"text": text, "choices": choices}


def _collect_contact(_: Action, bound: BoundDocument, languages: Languages) -> dict[str, Json]:
    (key,) = MESSAGES_OF[ActionType.COLLECT_CONTACT]
    text = text_of(Text(message=key), bound, languages)
    return {"fields": bound.settings["contact_fields"], "text": text}


def _qualify(_: Action, bound: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"fields": bound.settings["qualification_fields"]}


def _assign(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return dict(action.argument)


def _say(action: Action, bound: BoundDocument, languages: Languages) -> dict[str, Json]:
    return {"text": text_of(action.text, bound, languages)}


def _tag(action: Action, _: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"tag": action.argument}


def _salesforce(action: Action, bound: BoundDocument, __: Languages) -> dict[str, Json]:
    return {"fields": action.argument.get("fields", bound.settings["qualification_fields"])}


def _close(_: Action, __: BoundDocument, ___: Languages) -> dict[str, Json]:
    return {}


_BODIES: dict[ActionType, Body] = {
    ActionType.ASK: _ask,
    ActionType.COLLECT_CONTACT: _collect_contact,
    ActionType.QUALIFY: _qualify,
    ActionType.ASSIGN: _assign,
    ActionType.SEND_MESSAGE: _say,
    ActionType.ADD_TAG: _tag,
    ActionType.SALESFORCE_LEAD: _salesforce,
    ActionType.NOTE: _say,
    ActionType.CLOSE_CONVERSATION: _close,
}
