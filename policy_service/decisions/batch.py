"""Batches of events: NDJSON in, NDJSON out, in the same order."""

from __future__ import annotations

import logging
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import orjson

from audit.errors import BusyError, StorageUnavailableError
from policy_service import problems
from policy_service.decisions.decide import RecordedDecision, decide_event, event_key
from policy_service.decisions.record import decision_view
from policy_service.problems import ProblemCode, ProblemError
from rules.formats.strict_json import parse_json
from rules.model.event import MAX_EVENT_BYTES, parse_event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from audit.stores.contract import LookupKey, Store, Transaction
    from policy_service.observability.instrumentation import DecisionMetrics
    from policy_service.policies.policy_cache import PolicyCache
    from rules.model.event import Event

    Work: TypeAlias = tuple[Callable[[Transaction], RecordedDecision], LookupKey]

BATCH_SIZE = 256
"""Lines of one commit: enough to share its cost, few enough not to block other requests."""


_log = logging.getLogger(__name__)


class ResultLine(NamedTuple):
    """The answer to one line, with its line end: a decision, or a problem if `is_refused`."""

    text: bytes
    is_refused: bool


def decide_lines(
    store: Store,
    policies: PolicyCache,
    metrics: DecisionMetrics,
    lines: Iterable[bytes],
    admit: Callable[[Event], None] = lambda _: None,
) -> Iterator[ResultLine]:
    """Yield the decision, or the problem, of each line that is not blank.

    `admit` raises ProblemError for an event that the caller may not send. A refused line does not
    stop the batch. If the ledger refuses a line, the later lines are not decided either, so that no
    event overtakes another.
    """
    waiting = (line for line in lines if line.strip())
    refusal: Exception | None = None
    while chunk := list(islice(waiting, BATCH_SIZE)):
        works = [_prepare_work(store, policies, line, admit) for line in chunk]
        to_run = [work for work in works if not isinstance(work, ProblemError)]
        if refusal is None:
            outcomes = store.transact_each(
                [work for work, _ in to_run], [keys for _, keys in to_run]
            )
            refusals = (
                each for each in outcomes if isinstance(each, BusyError | StorageUnavailableError)
            )
            refusal = next(refusals, None)
        else:
            outcomes = [refusal] * len(to_run)
        yield from _list_results(metrics, works, outcomes)


def _list_results(
    metrics: DecisionMetrics,
    works: Sequence[Work | ProblemError],
    outcomes: Iterable[RecordedDecision | Exception],
) -> Iterator[ResultLine]:
    outcomes_left = iter(outcomes)
    for work in works:
        outcome = work if isinstance(work, ProblemError) else next(outcomes_left)
        text = orjson.dumps(_outcome_view(metrics, outcome), option=orjson.OPT_APPEND_NEWLINE)
        yield ResultLine(text, is_refused=not isinstance(outcome, RecordedDecision))


def _prepare_work(
    store: Store, policies: PolicyCache, line: bytes, admit: Callable[[Event], None]
) -> Work | ProblemError:
    try:
        if len(line.rstrip(b"\r\n")) > MAX_EVENT_BYTES:
            return ProblemError(
                ProblemCode.TOO_LARGE, f"An event has at most {MAX_EVENT_BYTES} bytes"
            )
        event = parse_event(parse_json(line, null_is_absent=True))
        admit(event)
    except Exception as error:
        if problem := problems.to_problem(error):
            return problem
        raise
    key = event_key(store, event)
    return partial(decide_event, event, key, policies), key


def _outcome_view(metrics: DecisionMetrics, outcome: RecordedDecision | Exception) -> object:
    if isinstance(outcome, RecordedDecision):
        decision = decision_view(outcome.entry)
        metrics.count_decision(decision["outcome"], replayed=outcome.replayed)
        return decision
    problem = problems.to_problem(outcome)
    if problem is None:
        _log.error("internal error", exc_info=outcome)
        problem = ProblemError(
            ProblemCode.INTERNAL_ERROR, "The failure was logged; nothing was decided"
        )
    metrics.count_refusal(problem.code)
    return problem.as_json()
