"""The values that pass a test, and the attempts that an explanation lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from rules.engine.evaluator import (
    FailedTest,
    RuleAttempt,
    condition_holds,
    explain_ruling,
    is_same_value,
)
from rules.model.document import (
    Document,
    KnownCondition,
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    RangeCondition,
    When,
    format_condition,
    parse_condition,
)
from rules.model.vocabulary import Operator

if TYPE_CHECKING:
    from rules.model.document import Facts, Scalar

FACT = "workspace.plan"
TABLE = [
    ("pro", "pro", True),
    ("pro", "Pro", False),
    ("pro", None, False),
    (True, True, True),
    (True, 1, False),
    (1, 1, True),
    (1, 1.0, True),
    (1, True, False),
    (["pro", "premium"], "premium", True),
    (["pro", "premium"], "starter", False),
    (["pro", "premium"], None, False),
    ([], "pro", False),
    ([], None, False),
    (None, None, False),
    ([None], None, False),
    ({"not": None}, None, True),
    ({"not": "pro"}, None, True),
    ({"not": "pro"}, "pro", False),
    ({"not": ["pro"]}, "starter", True),
    ({"not": {"not": "pro"}}, None, False),
    ({"known": True}, "", True),
    ({"known": True}, False, True),
    ({"known": True}, 0, True),
    ({"known": True}, None, False),
    ({"known": False}, None, True),
    ({"known": False}, "x", False),
    ({"gte": 2}, 2, True),
    ({"gte": 2}, 1, False),
    ({"gt": 2}, 2, False),
    ({"gt": 2}, 3, True),
    ({"lte": 2}, 2, True),
    ({"lte": 2}, 3, False),
    ({"lt": 2}, 2, False),
    ({"lt": 2}, 1, True),
    ({"gte": 1, "lt": 3}, 1, True),
    ({"gte": 1, "lt": 3}, 3, False),
    ({"gt": 1, "lte": 3}, 1, False),
    ({"gte": 0}, None, False),
    ({"not": {"gte": 0}}, None, True),
    ({"gte": 0}, True, False),
    ({"gte": 0}, "5", False),
    ({"language": "en"}, "en-GB", True),
    ({"language": "en"}, "enm", False),
    ({"language": ["de", "EN-gb"]}, "en-GB-oed", True),
    ({"language": "*"}, "tlh", True),
    ({"language": "*"}, None, False),
    ({"language": []}, "en", False),
    ({"language": "en"}, 5, False),
    ({"language": [None, "en"]}, "en", True),
    ({"language": None}, "en", False),
    ({"not": {"language": "en"}}, None, True),
]


@pytest.mark.parametrize(("test", "fact", "holds"), TABLE, ids=repr)
def test_condition_holds_for_value(test: Any, fact: Any, holds: bool) -> None:  # noqa: FBT001
    """Every test is two-valued: an unknown fact equals nothing."""
    assert condition_holds(parse_condition(FACT, test), fact) is holds


@pytest.mark.parametrize(("test", "fact", "holds"), TABLE, ids=repr)
def test_not_is_the_complement_of_its_test(test: Any, fact: Any, holds: bool) -> None:  # noqa: FBT001
    assert condition_holds(parse_condition(FACT, {"not": test}), fact) is not holds


def test_parse_condition_returns_the_condition_of_each_notation() -> None:
    assert parse_condition(FACT, "pro") == OneOfCondition(("pro",))
    assert parse_condition(FACT, ["pro", 1]) == OneOfCondition(("pro", 1))
    assert parse_condition(FACT, {"not": {"known": True}}) == NotCondition(
        KnownCondition(is_known=True)
    )
    assert parse_condition(FACT, {"language": "en"}) == LanguageCondition(("en",))
    assert parse_condition(FACT, {"lt": 3, "gte": 1}) == RangeCondition(
        ((Operator.GTE, 1), (Operator.LT, 3))
    )


@pytest.mark.parametrize("test", ["pro", ["a", 1], {"not": ["a", "b"]}, {"gte": 1, "lt": 3}])
def test_format_condition_is_the_inverse_of_parse_condition(test: Any) -> None:
    assert format_condition(parse_condition(FACT, test)) == test
    assert parse_condition(FACT, format_condition(parse_condition(FACT, test))) == parse_condition(
        FACT, test
    )


@pytest.mark.parametrize(
    ("test", "tag", "held"),
    [
        ("pt-BR", "pt-br", True),
        ("pt-br", "PT-BR", True),
        (["en", "pt-br"], "pt-BR", True),
        ("pt-BR", "pt", False),
        ("pt-BR", None, False),
        ("iw-IL", "he-il", True),
        ("he", "iw", False),
        ({"language": "iw"}, "he-IL", True),
        ({"language": "iw"}, "iw", True),
    ],
)
@pytest.mark.parametrize("name", ["message.language", "settings.default_language"])
def test_tags_are_compared_without_case(name: str, test: Any, tag: Any, held: bool) -> None:  # noqa: FBT001
    """A deprecated tag of a document equals its preferred value too."""
    assert condition_holds(parse_condition(name, test), tag) is held
    assert condition_holds(parse_condition(name, {"not": test}), tag) is not held


def test_language_condition_is_formatted_as_a_list() -> None:
    assert format_condition(LanguageCondition(("en",))) == {"language": ["en"]}


def test_values_of_different_kinds_are_not_the_same() -> None:
    off: Scalar = False
    assert not is_same_value(None, 0)
    assert not is_same_value(off, 0)
    assert not is_same_value("", off)


def rule(name: str, when: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "when": when, "outcome": "noted", "reason": name}


DOCUMENT = Document(
    {
        "settings": {"ask_again": 2},
        "guards": [rule("guard", {"workspace.plan": {"not": ["pro"]}})],
        "rules": [
            rule("first", {"workspace.plan": "pro", "conversation.asks": {"gt": "$ask_again"}}),
            rule("second", {"any": [{"answer": "customer"}, {"contact.reachable": True}]}),
            rule("third", {"settings.redirect.email": {"known": True}}),
            rule("fourth", {"message.language": {"language": "$languages"}}),
        ],
        "otherwise": {"outcome": "noted", "reason": "none"},
    }
)


def test_attempt_has_the_first_failed_test_with_both_sides() -> None:
    """Settings are shown as their values, unknown facts as null."""
    facts: Facts = {"workspace.plan": "pro", "conversation.asks": 2, "answer": "unclear"}
    explanation = explain_ruling(DOCUMENT.own_binding, facts)
    assert explanation.ruling.rule == "otherwise"
    assert explanation.attempts == (
        RuleAttempt("guard", FailedTest("workspace.plan", {"not": "pro"}, "pro")),
        RuleAttempt("first", FailedTest("conversation.asks", {"gt": 2}, 2)),
        RuleAttempt(
            "second",
            FailedTest(
                "any",
                [{"answer": "customer"}, {"contact.reachable": True}],
                {"answer": "unclear", "contact.reachable": None},
            ),
        ),
        RuleAttempt("third", FailedTest("settings.redirect.email", {"known": True}, None)),
        RuleAttempt("fourth", FailedTest("message.language", {"language": ["en"]}, None)),
        RuleAttempt("otherwise", None),
    )


def test_explanation_ends_with_the_matching_rule() -> None:
    explanation = explain_ruling(
        DOCUMENT.own_binding, {"workspace.plan": "pro", "contact.reachable": True}
    )
    assert [attempt.rule for attempt in explanation.attempts] == ["guard", "first", "second"]
    assert [attempt.held for attempt in explanation.attempts] == [False, False, True]


def test_settings_among_the_facts_are_ignored() -> None:
    facts = {"workspace.plan": "pro", "settings.redirect.email": "a@b.example"}
    assert explain_ruling(DOCUMENT.own_binding, facts).ruling.rule == "otherwise"


def test_document_binds_its_rules_to_other_settings() -> None:
    """The tests of a document run against the default settings."""
    settings = {**DOCUMENT.settings, "redirect": {"email": "a@b.example"}, "ask_again": 0}
    bound = DOCUMENT.bind(settings)
    assert explain_ruling(bound, {"workspace.plan": "pro"}).ruling.rule == "third"
    assert (
        explain_ruling(bound, {"workspace.plan": "pro", "conversation.asks": 1}).ruling.rule
        == "first"
    )


def test_when_expands_to_its_alternatives() -> None:
    plan, answer, asks = (
        ("plan", OneOfCondition(("pro",))),
        ("answer", KnownCondition(is_known=True)),
        ("asks", NotCondition(OneOfCondition(()))),
    )
    assert list(When((plan,)).expanded_alternatives()) == [(plan,)]
    assert list(When((plan,), ((answer,), (asks,))).expanded_alternatives()) == [
        (plan, answer),
        (plan, asks),
    ]
