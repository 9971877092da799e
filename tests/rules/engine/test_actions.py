"""What a ruling asks for, as the actions of a decision."""

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


def rendered(
    *written: Any, languages: Sequence[str | None] = EN, **members: Any
) -> list[dict[str, Any]]:
    """The actions of a document that always asks for these."""
    otherwise = {"outcome": "noted", "reason": "none", "actions": list(written)}
    policy = compile_document(Document({"rules": [], "otherwise": otherwise, **members}))
    return render_actions(policy.decide({}), policy.bound_document, "dec-1", AT, languages)


def test_each_action_is_rendered_with_an_id_of_its_decision() -> None:
    assert rendered("close_conversation", {"add_tag": "vip"}) == [
        {"id": "dec-1.0", "type": "close_conversation"},
        {"id": "dec-1.1", "type": "add_tag", "tag": "vip"},
    ]


def test_a_question_says_what_it_asks_and_when_it_expires() -> None:
    expires = {"expires_at": "2026-11-22T10:03:00Z"}
    ask, collect, qualify = rendered("ask", "collect_contact", "qualify")
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
def test_an_action_says_what_it_needs(written: Any, body: dict[str, Any]) -> None:
    (action,) = rendered(written, messages={"en": {"bye": "Bye"}})
    assert action == {"id": "dec-1.0", **body}


@pytest.mark.parametrize(
    ("within", "expires"),
    [
        ("PT1S", "2026-11-22T10:00:01Z"),
        ("P1DT1H", "2026-11-23T11:00:00Z"),
        ("P1W", "2026-11-29T10:00:00Z"),
    ],
)
def test_a_question_expires_after_what_the_setting_says(within: str, expires: str) -> None:
    (action,) = rendered("qualify", settings={"answer_within": within})
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
def test_a_text_is_in_the_first_language_that_has_it(
    languages: Sequence[str | None], text: str
) -> None:
    """A language that lacks this one text is passed over."""
    (action,) = rendered({"note": {"message": "hi"}}, languages=languages, messages=MESSAGES)
    assert action["text"] == text


def test_the_default_language_comes_last() -> None:
    settings = {"default_language": "de"}
    (action,) = rendered(
        {"note": {"message": "hi"}}, languages=("fr", None), messages=MESSAGES, settings=settings
    )
    assert action["text"] == "Servus"


def test_placeholders_are_filled_from_the_redirect_alone() -> None:
    """Whatever else stands in braces stays as it is written."""
    written = "{email} {website} {phone} {name} {{email}} {Email}"
    settings = {"redirect": {"email": "a@b.example"}}
    (action,) = rendered({"send_message": written}, settings=settings)
    assert action["text"] == "a@b.example   {name} {a@b.example} {Email}"


def test_what_fills_a_placeholder_is_not_filled_again() -> None:
    settings = {"redirect": {"email": "{phone}"}}
    (action,) = rendered({"send_message": "{email}"}, settings=settings)
    assert action["text"] == "{phone}"


def test_settings_stand_in_the_place_of_their_names() -> None:
    settings = {
        "customer_destination": {"teammate": "tm-1"},
        "contact_fields": ["phone"],
        "redirect": {"email": "a@b.example"},
    }
    found = rendered(
        {"assign": "$customer_destination"},
        {"salesforce_lead": {"fields": "$contact_fields"}},
        {"note": "$redirect.email"},
        "$lead_follow_up",
        settings=settings,
    )
    assert [{**action, "id": None} for action in found] == [
        {"id": None, "type": "assign", "teammate": "tm-1"},
        {"id": None, "type": "salesforce_lead", "fields": ["phone"]},
        {"id": None, "type": "note", "text": "a@b.example"},
        {"id": None, "type": "assign", "team": "sales"},
        {"id": None, "type": "add_tag", "tag": "lead"},
    ]


def test_a_text_that_no_language_has_is_a_fault_of_the_check() -> None:
    document = Document({"rules": [], "otherwise": {"outcome": "noted", "reason": "none"}})
    with pytest.raises(LookupError, match="no text 'nothing'"):
        render_text(ActionText(message="nothing"), document.own_binding, EN)
