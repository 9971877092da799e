"""Tests of a document run with the base facts and the default settings."""

from __future__ import annotations

from typing import Any

import pytest

from rules.check import check_document
from rules.formats.document_text import read_value
from rules.model import builtin
from rules.model.document import Document
from rules.model.test_defaults import BASE_FACTS, complete_facts, overridden_settings
from rules.model.vocabulary import FACTS
from rules.validation import document_tests


def find_failures(test: dict[str, Any], **parts: Any) -> list[str]:
    rules = [
        {
            "id": "redirected",
            "when": {"settings.redirect.email": {"known": True}},
            "outcome": "redirect",
            "reason": "redirected",
            "stage": "routed",
        },
        {
            "id": "entitled",
            "when": {"workspace.plan": "$entitled_plans", "conversation.direction": "inbound"},
            "outcome": "ask",
            "reason": "asked",
            "actions": ["ask", {"add_tag": "user", "when": {"contact.kind": "user"}}],
        },
    ]
    otherwise = {"outcome": "noted", "reason": "unexpected"}
    tests = [{"name": "A test", **test}]
    tree = {"format": 1, "rules": rules, "otherwise": otherwise, "tests": tests, **parts}
    reported = check_document(read_value(tree)).complaints
    assert {complaint.code for complaint in reported} <= {"test_failed"}
    return [complaint.message for complaint in reported]


@pytest.mark.parametrize(
    "test",
    [
        {"expect": {"outcome": "ask", "reason": "asked", "rule": "entitled", "actions": ["ask"]}},
        {"expect": {"stage": "new"}},
        {"given": {"conversation.stage": "qualifying"}, "expect": {"stage": "qualifying"}},
        {"given": {"contact.kind": "user"}, "expect": {"actions": ["ask", "add_tag"]}},
        {"given": {"workspace.plan": "free"}, "expect": {"rule": "otherwise", "actions": []}},
        {"given": {"conversation.direction": None}, "expect": {"reason": "unexpected"}},
        {"given": {"settings.entitled_plans": ["free"]}, "expect": {"reason": "unexpected"}},
        {"given": {"settings.redirect.email": "a@example.com"}, "expect": {"stage": "routed"}},
        {
            "given": {"settings.redirect": {"email": "a@example.com"}},
            "expect": {"rule": "redirected"},
        },
        {
            "given": {"settings.redirect": {"phone": "112"}},
            "expect": {"rule": "entitled"},
        },
    ],
)
def test_document_test_passes_when_its_expectation_holds(test: dict[str, Any]) -> None:
    assert find_failures(test) == []


def test_document_tests_ignore_the_settings_of_the_document() -> None:
    settings = {"entitled_plans": ["gold"], "redirect": {"email": "a@example.com"}}
    assert find_failures({"expect": {"rule": "entitled"}}, settings=settings) == []


def test_failure_message_has_expected_and_actual_values() -> None:
    expect = {"outcome": "noted", "reason": "asked", "stage": "routed", "actions": []}
    assert find_failures({"expect": expect}) == [
        (
            "`A test` fails: outcome is ask, expected noted; stage is new, expected routed; "
            "actions is [ask], expected []; rule entitled decided"
        )
    ]


def test_unknown_stage_is_shown_as_unknown_when_the_rule_keeps_it() -> None:
    given = {"conversation.stage": None}
    assert find_failures({"given": given, "expect": {"stage": "new"}}) == [
        "`A test` fails: stage is unknown, expected new; rule entitled decided"
    ]


def test_base_facts_are_in_the_vocabulary() -> None:
    assert set(BASE_FACTS) <= set(FACTS)


def test_null_makes_a_given_fact_unknown_and_settings_are_left_out() -> None:
    given = {"message.language": None, "contact.kind": "user", "settings.enabled": False}
    facts = complete_facts(given)
    assert facts == {
        **{k: v for k, v in BASE_FACTS.items() if k != "message.language"},
        "contact.kind": "user",
    }


def test_setting_given_by_members_has_only_those_members() -> None:
    given = {
        "settings.customer_destination.teammate": "t-9",
        "settings.redirect.email": None,
        "settings.office_hours": None,
    }
    assert overridden_settings(given) == {
        "customer_destination": {"teammate": "t-9"},
        "redirect": None,
        "office_hours": None,
    }


def test_compiled_test_run_equals_the_evaluated_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for conditional actions, settings and unknown facts."""
    tests = list(builtin.load_tree()["tests"])
    wrong = [{**test, "expect": {"rule": "none", "stage": "qualifying"}} for test in tests]
    document = Document({**builtin.load_tree(), "tests": wrong})
    monkeypatch.setattr(document_tests, "COMPILE_THRESHOLD", len(tests) + 1)
    alone = document_tests.run_tests(document)
    monkeypatch.setattr(document_tests, "COMPILE_THRESHOLD", 1)
    assert document_tests.run_tests(document) == alone
    assert len(alone.failures) == len(tests)
