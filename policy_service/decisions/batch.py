"""Many events, one after the other: NDJSON in, NDJSON out, order kept."""

from __future__ import annotations

import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import orjson

from audit.errors import BusyError, StorageUnavailableError
from policy_service import problems
from policy_service.decisions.decide import Answer, about, decide_event
from policy_service.decisions.record import decision_view
from policy_service.problems import Problem, ProblemCode
from rules.formats.strict_json import parse_json
from rules.model.event import MAX_EVENT_BYTES, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from audit.stores.contract import About, Store, Transaction
    from policy_service.observability.instrumentation import DecisionMetrics
    from policy_service.policies.policy_cache import Policies
    from rules.model.event import Event

    Work: TypeAlias = tuple[Callable[[Transaction], Answer], About]

AT_ONCE = 256
"""Lines that are decided in one go: enough to share a commit, few enough to let others in."""


_log = logging.getLogger(__name__)


class Line(NamedTuple):
    """What comes out for one line, line end included: a decision, or its problem if `refused`."""

    text: bytes
    refused: bool


def decide_lines(
    store: Store,
    policies: Policies,
    metrics: DecisionMetrics,
    lines: Iterable[bytes],
    admit: Callable[[Event], None] = lambda _: None,
) -> Iterator[Line]:
    """For every line that is not blank its decision, or its problem.

    `admit` raises a Problem for an event that is not for the one who asks. A line that is refused
    stops nothing. Where the ledger does not take one, the lines behind it are not decided either,
    so that no event overtakes another.
    """
    waiting = (line for line in lines if line.strip())
    refusal: Exception | None = None
    while chunk := list(islice(waiting, AT_ONCE)):
        works = [_work(store, policies, line, admit) for line in chunk]
        to_run = [work for work in works if not isinstance(work, Problem)]
        if refusal is None:
            outcomes = store.transact_each(
                [work for work, _ in to_run], [about for _, about in to_run]
            )
            refused = (
                each for each in outcomes if isinstance(each, BusyError | StorageUnavailableError)
            )
            refusal = next(refused, None)
        else:
            outcomes = [refusal] * len(to_run)
        yield from _lines(metrics, works, outcomes)


def _lines(
    metrics: DecisionMetrics,
    works: Sequence[Work | Problem],
    outcomes: Iterable[Answer | Exception],
) -> Iterator[Line]:
    of_those_run = iter(outcomes)
    for work in works:
        outcome = work if isinstance(work, Problem) else next(of_those_run)
        text = orjson.dumps(_view(metrics, outcome), option=orjson.OPT_APPEND_NEWLINE)
        yield Line(text, refused=not isinstance(outcome, Answer))


def _work(
    store: Store, policies: Policies, line: bytes, admit: Callable[[Event], None]
) -> Work | Problem:
    try:
        if len(line.rstrip(b"\r\n")) > MAX_EVENT_BYTES:
            return Problem(ProblemCode.TOO_LARGE, f"An event has at most {MAX_EVENT_BYTES} bytes")
        event = parse_event(parse_json(line, null_is_absent=True))
        admit(event)
    except Exception as error:
        if problem := problems.to_problem(error):
            return problem
        raise
    return partial(decide_event, event, policies), about(store, event)


def _view(metrics: DecisionMetrics, outcome: Answer | Exception) -> object:
    if isinstance(outcome, Answer):
        decision = decision_view(outcome.entry)
        metrics.count_decision(decision["outcome"], replayed=outcome.replayed)
        return decision
    problem = problems.to_problem(outcome)
    if problem is None:
        _log.error("internal error", exc_info=outcome)
        problem = Problem(ProblemCode.INTERNAL_ERROR, "The failure was logged; nothing was decided")
    metrics.count_refusal(problem.code)
    return problem.as_json()
