"""The laws of deciding, over random documents and facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

import rules.engine.compiler
from rules.engine.compiler import compile_document
from rules.engine.evaluator import condition_holds, explain_ruling
from rules.model.document import OTHERWISE, Document
from tests.depth import DEPTH
from tests.properties.random_documents import Drawing
from tests.properties.strategies import STEADY

if TYPE_CHECKING:
    from random import Random

    from rules.model.document import Facts

SOME = settings(STEADY, max_examples=100 * DEPTH)


@dataclass(frozen=True)
class Case:
    """A document, and facts to decide by it."""

    tree: dict[str, Any]
    facts: list[Facts]


def drawn(random: Random, rules: int) -> Case:
    drawing = Drawing(random)
    return Case(drawing.document(rules), [drawing.facts() for _ in range(20)])


cases = st.builds(drawn, st.randoms(use_true_random=True), st.integers(0, 24))


def reverse_members(value: Any) -> Any:
    """Return the value with the members of every mapping in the opposite order."""
    if isinstance(value, dict):
        return {key: reverse_members(value[key]) for key in reversed(value)}
    if isinstance(value, list):
        return [reverse_members(item) for item in value]
    return value


@SOME
@given(cases)
def test_compiled_policy_decides_like_the_reference_evaluator(case: Case) -> None:
    """The compiled tree and the plain evaluator are one function."""
    policy = compile_document(Document(case.tree))
    for known in case.facts:
        assert policy.decide(known) == explain_ruling(policy.bound_document, known).ruling


@SOME
@given(cases)
def test_decision_does_not_depend_on_earlier_decisions(case: Case) -> None:
    """No state is kept between decisions, nor between two compilations of a document."""
    first, second = compile_document(Document(case.tree)), compile_document(Document(case.tree))
    expected = [first.decide(known) for known in case.facts]
    assert [first.decide(known) for known in reversed(case.facts)] == expected[::-1]
    assert [second.decide(known) for known in case.facts] == expected


@SOME
@given(cases)
def test_decision_does_not_depend_on_the_order_of_members(case: Case) -> None:
    """A document may therefore be stored as its canonical JSON."""
    document, other = Document(case.tree), Document(reverse_members(case.tree))
    assert document.digest == other.digest
    policy, other_policy = compile_document(document), compile_document(other)
    for known in case.facts:
        assert policy.decide(known).rule == other_policy.decide(reverse_members(known)).rule


@SOME
@given(cases)
def test_decision_does_not_depend_on_how_the_tree_is_split(case: Case) -> None:
    """Holds if the tree is split as often as possible, and if it is never split."""
    document = Document(case.tree)
    usual = rules.engine.compiler.SPLIT_THRESHOLD
    try:
        rules.engine.compiler.SPLIT_THRESHOLD = 0
        eager = compile_document(document)
        rules.engine.compiler.SPLIT_THRESHOLD = 1_000
        never = compile_document(document)
    finally:
        rules.engine.compiler.SPLIT_THRESHOLD = usual
    for known in case.facts:
        assert eager.decide(known) == never.decide(known)


@SOME
@given(cases)
def test_explanation_lists_every_rule_up_to_the_one_that_held(case: Case) -> None:
    """Rules are tried in the order of the document: guards first, `otherwise` last."""
    order = [rule["id"] for rule in (*case.tree["guards"], *case.tree["rules"])] + [OTHERWISE]
    bound = Document(case.tree).own_binding
    for known in case.facts:
        explanation = explain_ruling(bound, known)
        tried = [attempt.rule for attempt in explanation.attempts]
        assert tried == order[: len(tried)]
        assert [attempt.held for attempt in explanation.attempts].index(True) == len(tried) - 1
        assert explanation.ruling.rule == tried[-1]


@SOME
@given(cases)
def test_explanation_names_a_condition_that_does_not_hold(case: Case) -> None:
    """A failed condition is reported with the value that the fact had."""
    bound = Document(case.tree).own_binding
    whens = {rule.id: dict(rule.when.conditions) for rule in bound.rules}
    for facts in case.facts:
        own = {name: fact for name, fact in facts.items() if not name.startswith("settings.")}
        known = own | bound.setting_facts
        for attempt in explain_ruling(bound, facts).attempts[:-1]:
            assert attempt.failed is not None
            if attempt.failed.fact != "any":
                value = known.get(attempt.failed.fact)
                assert not condition_holds(whens[attempt.rule][attempt.failed.fact], value)
                assert attempt.failed.actual == value


@SOME
@given(cases)
def test_document_decides_the_same_when_read_from_its_canonical_json(case: Case) -> None:
    """The ledger stores bytes, and later decisions are made from them."""
    document = Document(case.tree)
    again = Document(orjson.loads(document.canonical_bytes))
    assert again.digest == document.digest
    for known in case.facts:
        assert (
            explain_ruling(again.own_binding, known).ruling.rule
            == explain_ruling(document.own_binding, known).ruling.rule
        )
