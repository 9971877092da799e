"""Ten thousand generated rules against thirty, time per decision.

Each rule tests plan, language, direction and two custom attributes. Half of the facts fit a rule,
the others are drawn freely.
"""

# ruff: noqa: S311 - rules and facts are drawn from a seed

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

from bench.harness import TIMES, Bar, Row, cpu_seconds, take_turns
from rules.engine.compiler import compile_document
from rules.model.document import Document

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.harness import Bench

    Tests = dict[str, Any]

_FEW, _MANY = 30, 10_000
_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "sv", "pl", "cs")
_REGIONS = ("AT", "BE", "CA", "CH", "DE", "GB", "LU", "US")
_INDUSTRIES = tuple(f"industry-{number}" for number in range(40))
_SIZES = 1_000


def run(bench: Bench) -> Iterator[Row]:
    """Yield the time per decision with many rules against that with few."""
    many, few = (_deciding(count, bench) for count in (bench.count(_MANY), _FEW))
    yield Row(
        "10,000 rules against 30, time per decision",
        take_turns(many, few, bench.rounds).ratio,
        TIMES,
        Bar(3, least=False),
    )


def _deciding(count: int, bench: Bench) -> Callable[[], float]:
    random = Random(count)
    plans = [f"plan-{number}" for number in range(max(3, count // 100))]
    tests = [_tests(random, plans) for _ in range(count)]
    policy = compile_document(Document(_tree(tests)))
    facts = [
        _facts(random, random.choice(tests) if at % 2 else _tests(random, plans))
        for at in range(bench.count(20_000))
    ]

    def all_of_them() -> None:
        for each in facts:
            policy.decide(each)

    return lambda: cpu_seconds(all_of_them)


def _tests(random: Random, plans: list[str]) -> Tests:
    return {
        "workspace.plan": random.choice(plans),
        "message.language": {"language": [random.choice(_LANGUAGES)]},
        "conversation.direction": random.choice(("inbound", "outbound")),
        "attributes.industry": random.choice(_INDUSTRIES),
        "attributes.company_size": {"gte": random.randrange(_SIZES)},
    }


def _facts(random: Random, tests: Tests) -> dict[str, Any]:
    """Return facts for which the tests hold."""
    [language] = tests["message.language"]["language"]
    size = random.randrange(tests["attributes.company_size"]["gte"], _SIZES)
    return {
        **tests,
        "conversation.stage": "new",
        "event.type": "conversation.started",
        "message.language": random.choice((language, f"{language}-{random.choice(_REGIONS)}")),
        "attributes.company_size": size,
    }


def _tree(tests: list[Tests]) -> dict[str, Any]:
    shared = {"outcome": "noted", "stage": "routed"}
    return {
        "format": 1,
        "title": "Generated rules",
        "facts": {
            "attributes.company_size": {"type": "integer"},
            "attributes.industry": {"type": "string"},
        },
        "rules": [
            {"id": f"rule-{at}", "when": when, "reason": f"reason_{at}", **shared}
            for at, when in enumerate(tests)
        ],
        "otherwise": {"outcome": "noted", "reason": "nothing_held"},
    }
