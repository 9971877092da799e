"""The compiled tree decides like the evaluator, and its size and depth are bounded."""

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


def document_of(*whens: dict[str, Any], **members: Any) -> Document:
    """Return a document with one rule for each `when`."""
    rules = [
        {"id": f"rule-{number}", "when": when, "outcome": "noted", "reason": "found"}
        for number, when in enumerate(whens)
    ]
    return Document({"facts": DECLARED, "rules": rules, "otherwise": OTHERWISE, **members})


def list_leaves(policy: CompiledPolicy) -> list[tuple[int, int]]:
    """Return the depth and the number of rows of every leaf of the tree."""

    def walk(branch: TreeBranch, depth: int) -> Iterator[tuple[int, int]]:
        if isinstance(branch, SplitBranch):
            for inner in (*branch.branches.values(), branch.default):
                yield from walk(inner, depth + 1)
        else:
            yield depth, len(branch.rows)

    return list(walk(policy._root, 0))


def count_rows(policy: CompiledPolicy) -> int:
    return sum(count for _, count in list_leaves(policy))


def decide(doc: Document, **facts: Any) -> str:
    """Return the rule that decides; the tree and the evaluator must agree."""
    named = {name.replace("__", "."): value for name, value in facts.items()}
    policy = compile_document(doc)
    assert policy.decide(named) == explain_ruling(policy.bound_document, named).ruling
    return policy.decide(named).rule


def test_large_policy_decides_like_the_evaluator() -> None:
    """Every rule tests a rare value, so that decisions reach rules late in the document."""
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


def test_rules_on_one_fact_leave_one_row_per_leaf() -> None:
    """Rules that one fact distinguishes are not searched one by one."""
    policy = compile_document(document_of(*({"workspace.plan": f"p{n}"} for n in range(2_000))))
    assert list_leaves(policy) == [(1, 1)] * 2_001
    assert policy.decide({"workspace.plan": "p1999"}).rule == "rule-1999"
    assert policy.decide({"workspace.plan": "p2000"}).rule == "otherwise"


def test_independent_facts_do_not_multiply_the_tree() -> None:
    """Splits on twenty independent facts would make a million branches."""
    declared = {f"attributes.a{number}": {"type": "string"} for number in range(20)}
    whens = [
        {name: "x", "conversation.asks": {"gte": most}} for name in declared for most in (1, 2)
    ]
    policy = compile_document(document_of(*whens, facts=declared))
    assert count_rows(policy) <= MAX_COPIES * (len(whens) + 1)


def test_depth_of_the_tree_is_bounded_when_a_rule_has_many_tests() -> None:
    """Python's recursion limit bounds the depth that the compiler can build."""
    declared = {f"attributes.a{number}": {"type": "string"} for number in range(130)}
    whens = [
        {**dict.fromkeys(declared, "x"), "conversation.asks": {"gte": most}} for most in range(60)
    ]
    policy = compile_document(document_of(*whens, facts=declared))
    assert max(depth for depth, _ in list_leaves(policy)) <= 110
    assert policy.decide({**dict.fromkeys(declared, "x"), "conversation.asks": 0}).rule == "rule-0"


def test_split_removes_the_tests_that_it_settles() -> None:
    """A plan that is not one of the named plans passes every `not` of them."""
    named = [{"workspace.plan": plan} for plan in ("a", "b", "c", "d")]
    policy = compile_document(document_of(*named, {"workspace.plan": {"not": ["a", "b"]}}))
    assert sorted(list_leaves(policy)) == [(1, 1)] * 5
    assert policy.decide({}).rule == "rule-4"


def test_built_in_tree_is_shallow_with_few_rows_per_leaf() -> None:
    ends = list_leaves(compile_document(Document(builtin.load_tree())))
    assert max(depth for depth, _ in ends) <= 4
    assert max(count for _, count in ends) <= 8


def test_tests_of_settings_are_folded_at_compile_time() -> None:
    """A rule that the settings prevent is not in the tree."""
    settings_only = document_of({"settings.enabled": True}, {"workspace.plan": "pro"})
    (end,) = list_leaves(compile_document(settings_only))
    assert end == (0, 1)
    never = document_of({"settings.enabled": False}, {"settings.redirect.email": {"known": True}})
    assert list_leaves(compile_document(never)) == [(0, 1)]
    assert decide(never) == "otherwise"


def test_first_matching_rule_decides() -> None:
    doc = document_of(
        {"workspace.plan": ["pro", "premium"]},
        {"workspace.plan": "pro"},
        {"workspace.plan": {"known": True}},
        {"workspace.plan": {"not": "pro"}},
    )
    assert decide(doc, workspace__plan="pro") == "rule-0"
    assert decide(doc, workspace__plan="premium") == "rule-0"
    assert decide(doc, workspace__plan="starter") == "rule-2"
    assert decide(doc) == "rule-3"


def test_guard_decides_before_a_rule() -> None:
    guard = {"id": "guard", "when": {"workspace.plan": "pro"}, **OTHERWISE}
    assert decide(
        document_of({"workspace.plan": "pro"}, guards=[guard]), workspace__plan="pro"
    ) == ("guard")


def test_unknown_fact_passes_only_not() -> None:
    """An unknown fact equals no value, is in no range and has no language."""
    doc = document_of(
        {"workspace.plan": "pro"},
        {"workspace.plan": ["premium", ""]},
        {"conversation.asks": {"gte": 0}},
        {"message.language": {"language": "*"}},
        {"workspace.plan": {"known": True}},
        {"workspace.plan": {"not": ["pro", "premium", "", "starter"]}},
    )
    assert decide(doc) == "rule-5"


def test_any_holds_when_one_alternative_holds() -> None:
    doc = document_of(
        {"workspace.plan": "pro", "any": [{"answer": "customer"}, {"contact.reachable": True}]},
        {"workspace.plan": "pro"},
        {"answer": "unclear"},
        {"answer": "customer"},
        {"conversation.assigned": True},
    )
    assert decide(doc, workspace__plan="pro", contact__reachable=True) == "rule-0"
    assert decide(doc, workspace__plan="pro", answer="customer") == "rule-0"
    assert decide(doc, workspace__plan="pro", answer="unclear") == "rule-1"
    assert decide(doc, answer="customer", contact__reachable=True) == "rule-3"


def test_alternative_may_test_a_fact_of_the_when_again() -> None:
    doc = document_of(
        {"workspace.plan": ["pro", "premium"], "any": [{"workspace.plan": {"not": "pro"}}]},
        {"workspace.plan": "pro"},
        {"workspace.plan": "x"},
        {"workspace.plan": "y"},
    )
    assert decide(doc, workspace__plan="pro") == "rule-1"
    assert decide(doc, workspace__plan="premium") == "rule-0"


@pytest.mark.parametrize(
    ("operand", "fact", "holds"),
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
def test_values_of_different_types_are_not_equal(operand: Any, fact: Any, holds: bool) -> None:  # noqa: FBT001
    """As keys of a mapping, 1, 1.0 and true would be equal."""
    listed = operand if isinstance(operand, list) else [operand]
    doc = document_of(*({"attributes.source": [*listed, f"x{n}"]} for n in range(5)))
    single = document_of({"attributes.source": operand})
    for each in (doc, single):
        assert (decide(each, attributes__source=fact) == "rule-0") is holds


def test_action_is_carried_out_only_when_its_condition_holds() -> None:
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
    policy = compile_document(document_of(otherwise=otherwise))

    def notes(**facts: Any) -> list[str]:
        named = {name.replace("__", "."): value for name, value in facts.items()}
        ruling = policy.decide(named)
        assert ruling == explain_ruling(policy.bound_document, named).ruling
        return [action.argument for action in ruling.actions]

    assert notes() == ["always", "claimed", "on"]
    assert notes(contact__identity="verified") == ["always", "on"]
    assert notes(answer="customer", contact__reachable=True) == ["always", "claimed", "on", "any"]
    assert notes(contact__reachable=True) == ["always", "claimed", "on"]


def test_last_row_of_a_leaf_is_unconditional() -> None:
    """Every set of facts gets a decision."""
    tree = Drawing(Random(7)).document(40)
    branches: list[TreeBranch] = [compile_document(Document(tree))._root]
    while branches:
        branch = branches.pop()
        if isinstance(branch, SplitBranch):
            branches += [*branch.branches.values(), branch.default]
        else:
            assert isinstance(branch, RowsBranch)
            assert branch.rows[-1][0] == ()
