"""A bound document as a decision table of GoRules (JDM), first hit: the same rows, cell by cell.

Facts are looked up by their full names, so both engines take the same flat mapping. Settings are
constant for a document and are evaluated in advance, as in our own compiler.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rules.engine.evaluator import condition_holds
from rules.model.document import (
    KnownCondition,
    LanguageCondition,
    NotCondition,
    OneOfCondition,
    RangeCondition,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.model.document import BoundDocument, Condition, Conditions, Rule

_OUTPUTS = ("rule", "outcome", "reason", "stage", "actions")
_SIGNS = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


def table_of(bound: BoundDocument) -> dict[str, Any]:
    """Return the document as a graph with one table; its result has `rule`, `outcome` and so on."""
    rows = list(_rows(bound))
    facts = sorted({fact for tests, _ in rows for fact, _ in tests})
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": fact, "name": fact, "field": _fact(fact)} for fact in facts],
        "outputs": [{"id": name, "name": name, "field": name} for name in _OUTPUTS],
        "rules": [
            {"_id": f"r{at}", **_cells(tests), **_outputs(rule, bound)}
            for at, (tests, rule) in enumerate(rows)
        ],
    }
    nodes: list[dict[str, Any]] = [
        {"id": "in", "type": "inputNode", "name": "in"},
        {"id": "table", "type": "decisionTableNode", "name": "table", "content": table},
        {"id": "out", "type": "outputNode", "name": "out"},
    ]
    return {
        "nodes": [{**node, "position": {"x": 0, "y": 0}} for node in nodes],
        "edges": [
            {"id": "e1", "sourceId": "in", "targetId": "table", "type": "edge"},
            {"id": "e2", "sourceId": "table", "targetId": "out", "type": "edge"},
        ],
    }


def _rows(bound: BoundDocument) -> Iterator[tuple[Conditions, Rule]]:
    for rule in bound.rules:
        for tests in rule.when.expanded_alternatives():
            left = _without_settings(tests, bound)
            if left is not None:
                yield left, rule


def _without_settings(tests: Conditions, bound: BoundDocument) -> Conditions | None:
    """Return the tests of other facts; None if a test of a setting fails."""
    settings = bound.setting_facts
    of_settings = [test for test in tests if test[0].startswith("settings.")]
    if not all(condition_holds(asked, settings.get(fact)) for fact, asked in of_settings):
        return None
    return tuple(test for test in tests if test not in of_settings)


def _fact(name: str) -> str:
    return f'$root["{name}"]'


def _cells(tests: Conditions) -> dict[str, str]:
    return {fact: _test(asked) for fact, asked in tests}


def _test(asked: Condition) -> str:
    match asked:
        case OneOfCondition(values):
            return ", ".join(map(json.dumps, values))
        case NotCondition(OneOfCondition((value,))):
            return f"$ != {json.dumps(value)}"
        case NotCondition(OneOfCondition(values)):
            return f"$ not in {json.dumps(values)}"
        case KnownCondition(known):
            return "$ != null" if known else "$ == null"
        case RangeCondition(bounds):
            within = (f"$ {_SIGNS[bound]} {limit}" for bound, limit in bounds)
            return " and ".join(("$ != null", *within))
        case NotCondition(LanguageCondition((wanted,))):
            begins = json.dumps(f"{wanted.lower()}-")
            return f'$ == null or not startsWith(lower($) + "-", {begins})'
    raise NotImplementedError(f"no cell can express {asked}")


def _outputs(rule: Rule, bound: BoundDocument) -> dict[str, str]:
    values = (rule.id, rule.outcome, rule.reason, rule.stage)
    return {
        **dict(zip(_OUTPUTS, map(json.dumps, values), strict=False)),
        "actions": _actions(rule, bound),
    }


def _actions(rule: Rule, bound: BoundDocument) -> str:
    """Return the types of the actions; a condition of the last one becomes part of the cell."""
    always, last = [action.type.value for action in rule.actions], None
    if rule.actions and (tests := rule.actions[-1].when.conditions):
        last = _without_settings(tests, bound)
    if not last:
        return json.dumps(always)
    [(fact, asked)] = last
    holds_here = _test(asked).replace("$", _fact(fact))
    return f"{holds_here} ? {json.dumps(always)} : {json.dumps(always[:-1])}"
