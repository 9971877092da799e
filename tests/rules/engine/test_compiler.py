"""The tree of rules: as quick as promised, and never another decision."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from rules.engine.compiler import MAX_COPIES, RowsBranch, SplitBranch, compile_document
from rules.engine.evaluator import explain_ruling
from rules.model import builtin
from rules.model.document import Document
from rules.model.vocabulary import Stage
from tests.properties.random_documents import DECLARED, Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.engine.compiler import CompiledPolicy, TreeBranch

OTHERWISE = {"outcome": "noted", "reason": "none"}


def document(*whens: dict[str, Any], **members: Any) -> Document:
    """A document of one rule for each `when`."""
    rules = [
        {"id": f"rule-{number}", "when": when, "outcome": "noted", "reason": "found"}
        for number, when in enumerate(whens)
    ]
    return Document({"facts": DECLARED, "rules": rules, "otherwise": OTHERWISE, **members})


def tails(policy: CompiledPolicy) -> list[tuple[int, int]]:
    """The depth and the number of rows of every end of the tree."""

    def walk(branch: TreeBranch, depth: int) -> Iterator[tuple[int, int]]:
        if isinstance(branch, SplitBranch):
            for inner in (*branch.branches.values(), branch.default):
                yield from walk(inner, depth + 1)
        else:
            yield depth, len(branch.rows)

    return list(walk(policy._root, 0))


def rows(policy: CompiledPolicy) -> int:
    return sum(count for _, count in tails(policy))


def decided(doc: Document, **facts: Any) -> str:
    """The rule that decides, by the tree and by the plain evaluator alike."""
    named = {name.replace("__", "."): value for name, value in facts.items()}
    policy = compile_document(doc)
    assert policy.decide(named) == explain_ruling(policy.bound_document, named).ruling
    return policy.decide(named).rule


def test_two_thousand_rules_decide_as_the_plain_evaluator_does() -> None:
    """Every rule wants something rare, so that decisions reach deep into the document."""
    drawing = Drawing(Random(2_000))
    tree = drawing.document(2_000)
    stages = tuple(map(str, Stage))
    for number, rule in enumerate((*tree["guards"], *tree["rules"])):
        rule["when"]["conversation.channel"] = f"channel-{number % 97}"
        rule["when"]["conversation.stage"] = stages[number % len(stages)]
    policy = compile_document(Document(tree))
    assert any(isinstance(branch, SplitBranch) for branch in [policy._root])
    reached = set()
    for number in range(90):
        facts = {**drawing.facts(), "conversation.channel": f"channel-{number % 97}"}
        ruling = policy.decide(facts)
        assert ruling == explain_ruling(policy.bound_document, facts).ruling
        reached.add(ruling.rule)
    assert len(reached) > 40


def test_two_thousand_rules_on_one_fact_leave_a_few_to_test() -> None:
    """What one fact tells apart is not searched."""
    policy = compile_document(document(*({"workspace.plan": f"p{n}"} for n in range(2_000))))
    assert tails(policy) == [(1, 1)] * 2_001
    assert policy.decide({"workspace.plan": "p1999"}).rule == "rule-1999"
    assert policy.decide({"workspace.plan": "p2000"}).rule == "otherwise"


def test_facts_that_tell_little_apart_do_not_multiply_the_tree() -> None:
    """Twenty independent facts would make a million branches, each split of them harmless."""
    declared = {f"attributes.a{number}": {"type": "string"} for number in range(20)}
    whens = [
        {name: "x", "conversation.asks": {"gte": most}} for name in declared for most in (1, 2)
    ]
    policy = compile_document(document(*whens, facts=declared))
    assert rows(policy) <= MAX_COPIES * (len(whens) + 1)


def test_many_facts_in_one_rule_do_not_make_a_branch_too_long_to_walk() -> None:
    """However many tests a rule has, the tree is no deeper than Python can walk."""
    declared = {f"attributes.a{number}": {"type": "string"} for number in range(130)}
    whens = [
        {**dict.fromkeys(declared, "x"), "conversation.asks": {"gte": most}} for most in range(60)
    ]
    policy = compile_document(document(*whens, facts=declared))
    assert max(depth for depth, _ in tails(policy)) <= 110
    assert policy.decide({**dict.fromkeys(declared, "x"), "conversation.asks": 0}).rule == "rule-0"


def test_what_asking_a_fact_has_settled_is_not_tested_again() -> None:
    """Whoever has none of the plans that are named has not this one either."""
    named = [{"workspace.plan": plan} for plan in ("a", "b", "c", "d")]
    policy = compile_document(document(*named, {"workspace.plan": {"not": ["a", "b"]}}))
    assert sorted(tails(policy)) == [(1, 1)] * 5
    assert policy.decide({}).rule == "rule-4"


def test_the_built_in_document_asks_a_few_facts_and_tests_a_few_rows() -> None:
    ends = tails(compile_document(Document(builtin.load_tree())))
    assert max(depth for depth, _ in ends) <= 4
    assert max(count for _, count in ends) <= 8


def test_tests_of_settings_are_decided_beforehand() -> None:
    """A rule that its settings keep from ever holding is not in the tree."""
    settings_only = document({"settings.enabled": True}, {"workspace.plan": "pro"})
    (end,) = tails(compile_document(settings_only))
    assert end == (0, 1)
    never = document({"settings.enabled": False}, {"settings.redirect.email": {"known": True}})
    assert tails(compile_document(never)) == [(0, 1)]
    assert decided(never) == "otherwise"


def test_the_first_rule_that_holds_decides() -> None:
    doc = document(
        {"workspace.plan": ["pro", "premium"]},
        {"workspace.plan": "pro"},
        {"workspace.plan": {"known": True}},
        {"workspace.plan": {"not": "pro"}},
    )
    assert decided(doc, workspace__plan="pro") == "rule-0"
    assert decided(doc, workspace__plan="premium") == "rule-0"
    assert decided(doc, workspace__plan="starter") == "rule-2"
    assert decided(doc) == "rule-3"


def test_guards_come_before_rules() -> None:
    guard = {"id": "guard", "when": {"workspace.plan": "pro"}, **OTHERWISE}
    assert decided(document({"workspace.plan": "pro"}, guards=[guard]), workspace__plan="pro") == (
        "guard"
    )


def test_an_unknown_fact_takes_the_way_of_no_value() -> None:
    """`not` holds for it; to equal something, to be within bounds or in a language does not."""
    doc = document(
        {"workspace.plan": "pro"},
        {"workspace.plan": ["premium", ""]},
        {"conversation.asks": {"gte": 0}},
        {"message.language": {"language": "*"}},
        {"workspace.plan": {"known": True}},
        {"workspace.plan": {"not": ["pro", "premium", "", "starter"]}},
    )
    assert decided(doc) == "rule-5"


def test_alternatives_hold_where_one_of_them_does() -> None:
    doc = document(
        {"workspace.plan": "pro", "any": [{"answer": "customer"}, {"contact.reachable": True}]},
        {"workspace.plan": "pro"},
        {"answer": "unclear"},
        {"answer": "customer"},
        {"conversation.assigned": True},
    )
    assert decided(doc, workspace__plan="pro", contact__reachable=True) == "rule-0"
    assert decided(doc, workspace__plan="pro", answer="customer") == "rule-0"
    assert decided(doc, workspace__plan="pro", answer="unclear") == "rule-1"
    assert decided(doc, answer="customer", contact__reachable=True) == "rule-3"


def test_an_alternative_may_test_the_same_fact_again() -> None:
    doc = document(
        {"workspace.plan": ["pro", "premium"], "any": [{"workspace.plan": {"not": "pro"}}]},
        {"workspace.plan": "pro"},
        {"workspace.plan": "x"},
        {"workspace.plan": "y"},
    )
    assert decided(doc, workspace__plan="pro") == "rule-1"
    assert decided(doc, workspace__plan="premium") == "rule-0"


@pytest.mark.parametrize(
    ("wanted", "fact", "held"),
    [
        (1, True, False),
        (True, 1, False),
        (0, False, False),
        (1, 1.0, True),
        (1, "1", False),
        ("true", True, False),
        (True, True, True),
        ([True, 1], 1, True),
        ([True, False], 0, False),
    ],
)
def test_values_of_different_types_are_different(wanted: Any, fact: Any, held: bool) -> None:  # noqa: FBT001
    """As keys of one mapping 1, 1.0 and true would be the same."""
    listed = wanted if isinstance(wanted, list) else [wanted]
    doc = document(*({"attributes.source": [*listed, f"x{n}"]} for n in range(5)))
    single = document({"attributes.source": wanted})
    for each in (doc, single):
        assert (decided(each, attributes__source=fact) == "rule-0") is held


def test_an_action_is_carried_out_where_its_condition_holds() -> None:
    actions = [
        {"note": "always"},
        {"note": "claimed", "when": {"contact.identity": {"not": "verified"}}},
        {"note": "on", "when": {"settings.enabled": True}},
        {"note": "off", "when": {"settings.enabled": False}},
        {
            "note": "any",
            "when": {
                "answer": {"known": True},
                "any": [{"contact.reachable": True}, {"settings.enabled": False}],
            },
        },
    ]
    otherwise = {**OTHERWISE, "actions": actions}
    policy = compile_document(document(otherwise=otherwise))

    def notes(**facts: Any) -> list[str]:
        named = {name.replace("__", "."): value for name, value in facts.items()}
        ruling = policy.decide(named)
        assert ruling == explain_ruling(policy.bound_document, named).ruling
        return [action.argument for action in ruling.actions]

    assert notes() == ["always", "claimed", "on"]
    assert notes(contact__identity="verified") == ["always", "on"]
    assert notes(answer="customer", contact__reachable=True) == ["always", "claimed", "on", "any"]
    assert notes(contact__reachable=True) == ["always", "claimed", "on"]


def test_a_tail_ends_with_a_row_that_always_holds() -> None:
    """So that there is no set of facts without a decision."""
    tree = Drawing(Random(7)).document(40)
    branches: list[TreeBranch] = [compile_document(Document(tree))._root]
    while branches:
        branch = branches.pop()
        if isinstance(branch, SplitBranch):
            branches += [*branch.branches.values(), branch.default]
        else:
            assert isinstance(branch, RowsBranch)
            assert branch.rows[-1][0] == ()
