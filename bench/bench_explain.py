"""Explaining against deciding with the same facts, in process.

First the functions alone, then whole requests: the explanation of a recorded decision, against
deciding and recording its event.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import orjson

from bench import ledgers
from bench.harness import TIMES, Bar, Row, cpu_seconds, seconds, take_turns
from policy_service.decisions.explanation import recorded_explanation
from policy_service.policies.policy_cache import BUILTIN
from policy_service.services import Services
from rules.engine.compiler import compile_document
from rules.engine.evaluator import explain_ruling

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from bench.harness import Bench

_REPEATED = 10


def run(bench: Bench) -> Iterator[Row]:
    """Yield the ratios of the functions and of whole requests."""
    count = bench.count(2_000)
    with ledgers.record_decisions(bench, count) as store, store.read() as snapshot:
        entries = list(ledgers.decisions_of(snapshot))
        facts = [entry.value["facts"] for entry in entries]
        policy = compile_document(BUILTIN)
        explaining = _each(partial(explain_ruling, policy.bound_document), facts, 1)
        deciding = _each(policy.decide, facts, _REPEATED)
        yield Row(
            "explain against decide, the functions alone",
            take_turns(explaining, deciding, bench.rounds).ratio,
            TIMES,
            Bar(5, 2, least=False),
        )
        service = Services(store)

        def answering() -> float:
            return seconds(lambda: [_answer(snapshot, entry) for entry in entries])

        def recording() -> float:
            events = bench.take_events(count)
            return seconds(lambda: ledgers.decide(service, events))

        yield Row(
            "explaining a recorded decision against deciding and recording its event",
            take_turns(answering, recording, bench.rounds).ratio,
            TIMES,
        )


def _each(
    function: Callable[..., object], facts: list[dict[str, object]], repeated: int
) -> Callable[[], float]:
    def all_of_them() -> None:
        for _ in range(repeated):
            for each in facts:
                function(each)

    return lambda: cpu_seconds(all_of_them) / repeated


def _answer(snapshot: Snapshot, entry: Entry) -> bytes:
    found = snapshot.entry(entry.log, entry.index)
    return orjson.dumps(recorded_explanation(snapshot, found or entry))
