"""Actions of a ruling, as a decision contains them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules.engine.actions import render_actions, render_text
from rules.engine.compiler import compile_document
from rules.model.document import ActionText, Document

if TYPE_CHECKING:
    from collections.abc import Sequence

AT = "2026-11-22T10:00:00Z"
EN = ("en", None)


def render(
    *written: Any, languages: Sequence[str | None] = EN, **members: Any
) -> list[dict[str, Any]]:
    """Return the actions of a document whose `otherwise` has these actions."""
    otherwise = {"outcome": "noted", "reason": "none", "actions": list(written)}
    policy = compile_document(Document({"rules": [], "otherwise": otherwise, **members}))
    return render_actions(policy.decide({}), policy.bound_document, "dec-1", AT, languages)


def test_action_id_is_the_decision_id_and_a_number() -> None:
    assert render("close_conversation", {"add_tag": "vip"}) == [
        {"id": "dec-1.0", "type": "close_conversation"},
        {"id": "dec-1.1", "type": "add_tag", "tag": "vip"},
    ]


def test_question_action_has_its_texts_and_its_expiry() -> None:
    expires = {"expires_at": "2026-11-22T10:03:00Z"}
    ask, collect, qualify = render("ask", "collect_contact", "qualify")
    assert ask == {
        "id": "dec-1.0",
        "type": "ask",
        "text": "Are you an existing customer?",
        "choices": [
            {"value": "customer", "label": "Yes, I'm a customer"},
            {"value": "not_customer", "label": "No, I'm not a customer yet"},
        ],
        **expires,
    }
    text = "How can our team reach you?"
    assert collect == {
        "id": "dec-1.1",
        "type": "collect_contact",
        "fields": ["email"],
        "text": text,
        **expires,
    }
    assert qualify == {
        "id": "dec-1.2",
        "type": "qualify",
        "fields": ["email", "company"],
        **expires,
    }


@pytest.mark.parametrize(
    ("written", "body"),
    [
        ({"assign": {"team": "a"}}, {"type": "assign", "team": "a"}),
        ({"assign": {"teammate": "b"}}, {"type": "assign", "teammate": "b"}),
        ({"send_message": "Hi {name}"}, {"type": "send_message", "text": "Hi {name}"}),
        ({"note": {"message": "bye"}}, {"type": "note", "text": "Bye"}),
        ({"salesforce_lead": {}}, {"type": "salesforce_lead", "fields": ["email", "company"]}),
        ({"salesforce_lead": {"fields": ["x"]}}, {"type": "salesforce_lead", "fields": ["x"]}),
        ({"salesforce_lead": {"fields": []}}, {"type": "salesforce_lead", "fields": []}),
    ],
    ids=repr,
)
def test_action_has_its_argument(written: Any, body: dict[str, Any]) -> None:
    (action,) = render(written, messages={"en": {"bye": "Bye"}})
    assert action == {"id": "dec-1.0", **body}


@pytest.mark.parametrize(
    ("within", "expires"),
    [
        ("PT1S", "2026-11-22T10:00:01Z"),
        ("P1DT1H", "2026-11-23T11:00:00Z"),
        ("P1W", "2026-11-29T10:00:00Z"),
    ],
)
def test_question_expires_after_answer_within(within: str, expires: str) -> None:
    (action,) = render("qualify", settings={"answer_within": within})
    assert action["expires_at"] == expires


MESSAGES = {"en": {"hi": "Hi"}, "de": {"hi": "Servus"}, "de-AT": {"bye": "Baba"}}


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (("de", None), "Servus"),
        (("de-CH", "en"), "Servus"),
        (("fr", "de"), "Servus"),
        ((None, "de"), "Servus"),
        (("fr", "it"), "Hi"),
        ((None, None), "Hi"),
        (("de-AT", None), "Servus"),
        (("en-GB", "de"), "Hi"),
    ],
)
def test_text_has_the_first_language_with_a_translation(
    languages: Sequence[str | None], text: str
) -> None:
    """A language without this text is skipped."""
    (action,) = render({"note": {"message": "hi"}}, languages=languages, messages=MESSAGES)
    assert action["text"] == text


def test_text_falls_back_to_the_default_language() -> None:
    settings = {"default_language": "de"}
    (action,) = render(
        {"note": {"message": "hi"}}, languages=("fr", None), messages=MESSAGES, settings=settings
    )
    assert action["text"] == "Servus"


def test_placeholders_are_filled_from_the_redirect_only() -> None:
    """Other words in braces stay unchanged."""
    written = "{email} {website} {phone} {name} {{email}} {Email}"
    settings = {"redirect": {"email": "a@b.example"}}
    (action,) = render({"send_message": written}, settings=settings)
    assert action["text"] == "a@b.example   {name} {a@b.example} {Email}"


def test_placeholder_value_is_not_expanded_again() -> None:
    settings = {"redirect": {"email": "{phone}"}}
    (action,) = render({"send_message": "{email}"}, settings=settings)
    assert action["text"] == "{phone}"


def test_references_are_replaced_by_their_settings() -> None:
    settings = {
        "customer_destination": {"teammate": "tm-1"},
        "contact_fields": ["phone"],
        "redirect": {"email": "a@b.example"},
    }
    rendered_actions = render(
        {"assign": "$customer_destination"},
        {"salesforce_lead": {"fields": "$contact_fields"}},
        {"note": "$redirect.email"},
        "$lead_follow_up",
        settings=settings,
    )
    assert [{**action, "id": None} for action in rendered_actions] == [
        {"id": None, "type": "assign", "teammate": "tm-1"},
        {"id": None, "type": "salesforce_lead", "fields": ["phone"]},
        {"id": None, "type": "note", "text": "a@b.example"},
        {"id": None, "type": "assign", "team": "sales"},
        {"id": None, "type": "add_tag", "tag": "lead"},
    ]


def test_render_text_raises_lookup_error_when_the_text_is_missing() -> None:
    document = Document({"rules": [], "otherwise": {"outcome": "noted", "reason": "none"}})
    with pytest.raises(LookupError, match="no text 'nothing'"):
        render_text(ActionText(message="nothing"), document.own_binding, EN)
