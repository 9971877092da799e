"""Deciding in process, against zen-engine on the same table: a mapping of facts in, a ruling out.

`ZenDecision.evaluate` reads the whole table at each call. `ZenEngine.evaluate` on loaded content
does not. The bar applies to the latter; the former is a second row.
"""

from __future__ import annotations

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bench.harness import TIMES, Bar, Row, cpu_seconds, take_turns
from bench.jdm import table_of
from bench.ledgers import facts_of
from policy_service.policies.policy_cache import BUILTIN
from rules.engine.compiler import compile_document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bench.harness import Bench
    from rules.engine.compiler import CompiledPolicy
    from rules.model.document import Facts

    Evaluate = Callable[[Facts], Any]

_REPEATED = 20  # our decisions per decision of zen


def run(bench: Bench) -> Iterator[Row]:
    """Yield our speed against zen-engine, with a loaded table and without."""
    facts = facts_of(bench, bench.count(2_000))
    policy = compile_document(BUILTIN)
    loaded, read_each_time = _zen(policy)
    for evaluate in (loaded, read_each_time):
        _check_same(policy, evaluate, facts)
    name = "deciding in process, against zen-engine"
    for evaluate, how, bar in (
        (loaded, "with a loaded table", Bar(50, 200)),
        (read_each_time, "by `ZenDecision.evaluate`", None),
    ):
        theirs, ours = (
            _per_decision(evaluate, facts, 1),
            _per_decision(policy.decide, facts, _REPEATED),
        )
        yield Row(f"{name}, {how}", take_turns(theirs, ours, bench.rounds).ratio, TIMES, bar)


def _zen(policy: CompiledPolicy) -> tuple[Evaluate, Evaluate]:
    zen: Any = import_module("zen")
    table = table_of(policy.bound_document)
    engine = zen.ZenEngine({"loader": {"type": "static", "content": {"policy": table}}})
    decision = zen.ZenEngine().create_decision(json.dumps(table))
    untraced = {"trace": False}
    return (
        lambda facts: engine.evaluate("policy", facts, untraced)["result"],
        lambda facts: decision.evaluate(facts, untraced)["result"],
    )


def _check_same(policy: CompiledPolicy, evaluate: Evaluate, facts: Sequence[Facts]) -> None:
    """Raise AssertionError unless both give the same rule with the same results."""
    for each in facts:
        ruling, theirs = policy.decide(each), evaluate(each)
        ours = {
            "rule": ruling.rule,
            "outcome": ruling.outcome,
            "reason": ruling.reason,
            "stage": ruling.stage,
            "actions": [action.type.value for action in ruling.actions],
        }
        if {name: theirs.get(name) for name in ours} != ours:
            raise AssertionError(f"{each} gives {ours} here and {theirs} there")


def _per_decision(evaluate: Evaluate, facts: Sequence[Facts], repeated: int) -> Callable[[], float]:
    def all_of_them() -> None:
        for _ in range(repeated):
            for each in facts:
                evaluate(each)

    return lambda: cpu_seconds(all_of_them) / repeated / len(facts)
