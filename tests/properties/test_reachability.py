"""The analysis of all facts agrees with trying them all, on small random documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from rules.analysis.domains import build_domains, is_possible
from rules.analysis.fact_space import FactSpace
from rules.analysis.reachability import ReachabilitySearch
from rules.engine.compiler import compile_document
from rules.engine.evaluator import condition_holds, explain_ruling
from rules.model import builtin
from rules.model.document import Document, RangeCondition
from rules.model.vocabulary import Operator
from tests.depth import DEPTH
from tests.properties.brute_force import all_facts
from tests.properties.random_documents import Drawing
from tests.properties.strategies import STEADY

if TYPE_CHECKING:
    from random import Random

MANY = settings(STEADY, max_examples=150 * DEPTH)


def small(random: Random, rules: int) -> dict[str, Any]:
    return Drawing(random).document(rules)


documents = st.builds(small, st.randoms(use_true_random=True), st.integers(0, 6))


@MANY
@given(documents)
def test_reachability_finds_a_rule_if_and_only_if_some_facts_reach_it(tree: dict[str, Any]) -> None:
    """Each example is decided by its rule, and no combination of facts reaches another rule."""
    document = Document(tree)
    policy = compile_document(document)
    reach = ReachabilitySearch(document.own_binding)
    reached = set()
    for case in reach.cases[0]:
        found = reach.find_reaching_facts(case)
        if found is not None:
            assert is_possible(found, reach.domains)
            assert explain_ruling(document.own_binding, found).ruling.rule == case.rule.id
            assert policy.decide(found).rule == case.rule.id
            reached.add(case.rule.id)
    tried = {policy.decide(known).rule for known in all_facts(document)}
    assert tried <= reached


@MANY
@given(documents)
def test_reachability_finds_the_action_combinations_that_decisions_have(
    tree: dict[str, Any],
) -> None:
    """Conditional actions are combined as decisions combine them."""
    document = Document(tree)
    policy = compile_document(document)
    reach = ReachabilitySearch(document.own_binding)
    ways = set()
    for case in reach.cases[0]:
        for way in reach.find_variants(case):
            found = reach.find_facts(way.box, way.forbidden_bits)
            if found is not None:
                ruling = policy.decide(found)
                assert (ruling.rule, ruling.actions) == (case.rule.id, way.actions)
                ways.add((case.rule.id, repr(way.actions)))
    for known in all_facts(document):
        ruling = policy.decide(known)
        assert (ruling.rule, repr(ruling.actions)) in ways


@MANY
@given(st.lists(st.integers(-3, 30) | st.floats(-3, 30), min_size=1), st.integers(0, 40))
def test_number_class_satisfies_the_same_conditions_as_the_number(
    bounds: list[float], asks: int
) -> None:
    """Holds for numbers that a condition names and for numbers between two of them."""
    tests = [RangeCondition(((Operator.GTE, bound),)) for bound in bounds]
    tests += [RangeCondition(((Operator.LT, bound),)) for bound in bounds]
    fact = "conversation.asks"
    space = FactSpace(
        [build_domains(Document(builtin.load_tree()), None)], [(0, fact, test) for test in tests]
    )
    number = space.class_of(fact, asks)
    assert number.bit_count() == 1
    for test in tests:
        assert bool(space.classes_where(fact, test) & number) is condition_holds(test, asks)
