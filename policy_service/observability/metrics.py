"""The metrics of the service, for Prometheus.

`METRICS` is the one table. A label holds only words of the service: no ids and no text from a
client. If several processes serve, each counts in files of its own in the folder that
PROMETHEUS_MULTIPROC_DIR names, and any of them answers for all. Set the variable before this module
is imported.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
    values,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.process_collector import ProcessCollector

from audit.evidence.instrumentation import SigningMetrics
from policy_service.observability.instrumentation import DecisionMetrics

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from prometheus_client.core import Metric as Family

    from audit.evidence.instrumentation import CheckpointLag
    from audit.stores.contract import StoreSize

_log = logging.getLogger(__name__)

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
disable_created_metrics()  # type: ignore[no-untyped-call]  # when a label was first seen tells nobody anything
SECONDS_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
WRITES_BUCKETS = tuple(float(1 << power) for power in range(11))


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: its name, its type, its documentation and its labels.

    `buckets` are those of a histogram. `multiprocess_mode` combines the gauges of all processes;
    None if the gauge belongs to no process and is read on each request.
    """

    name: str
    type: type[Counter | Gauge | Histogram]
    documentation: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = SECONDS_BUCKETS
    multiprocess_mode: str | None = "livesum"


METRICS = (
    Metric(
        "policy_service_requests_total",
        Counter,
        "requests answered; the route is a template, `none` where there is no such path",
        ("route", "method", "status"),
    ),
    Metric(
        "policy_service_request_seconds",
        Histogram,
        "how long a request took here, from its head to its answer",
        ("route",),
    ),
    Metric(
        "policy_service_refusals_total",
        Counter,
        "refusals by code; `busy` are writes that the full queue turned away",
        ("code",),
    ),
    Metric("policy_service_decisions_total", Counter, "decisions that were written", ("outcome",)),
    Metric(
        "policy_service_replays_total",
        Counter,
        "events that were answered with the decision they had",
    ),
    Metric(
        "policy_service_commit_writes",
        Histogram,
        "how many writes shared a commit of the ledger",
        buckets=WRITES_BUCKETS,
    ),
    Metric(
        "policy_service_commit_seconds",
        Histogram,
        "how long a commit took, from when no other process wrote until it was on disk",
    ),
    Metric("policy_service_checkpoints_total", Counter, "checkpoints that were signed"),
    Metric(
        "policy_service_checkpoint_refusals_total",
        Counter,
        "checkpoints that were refused, because a log is not what it says it is",
    ),
    Metric(
        "policy_service_checkpoint_lag_entries",
        Gauge,
        "entries of all logs that no checkpoint covers yet",
        multiprocess_mode=None,
    ),
    Metric(
        "policy_service_checkpoint_lag_seconds",
        Gauge,
        "how long the oldest entry has waited that no checkpoint covers yet",
        multiprocess_mode=None,
    ),
    Metric(
        "policy_service_ledger_entries",
        Gauge,
        "entries of all logs together",
        multiprocess_mode=None,
    ),
    Metric(
        "policy_service_ledger_bytes",
        Gauge,
        "bytes of the ledger's database, all that it holds included",
        multiprocess_mode=None,
    ),
    Metric("policy_service_workers", Gauge, "processes that serve"),
    Metric(
        "policy_service_info",
        Gauge,
        "1, with the release",
        ("version",),
        multiprocess_mode="livemax",
    ),
)
_FILES = ("counter", "histogram", "gauge_livesum", "gauge_livemax")
_FILE_BYTES = 1 << 18  # bytes of each; labels are words of ours, so there is an end to them
PROCESS_METRICS = (
    "process_virtual_memory_bytes",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "process_cpu_seconds",
    "process_open_fds",
    "process_max_fds",
)
"""Names as in every client of Prometheus: sums over the workers, and the first start."""


class Metrics(DecisionMetrics, SigningMetrics):
    """The metrics of one application."""

    def __init__(self) -> None:
        if folder := os.environ.get(FOLDER_VARIABLE):
            _allocate_files(Path(folder))
        self._registry = CollectorRegistry()
        own_metrics = [metric for metric in METRICS if metric.multiprocess_mode]
        metrics = {metric.name: _create_metric(metric, self._registry) for metric in own_metrics}
        self._requests: Counter = metrics["policy_service_requests_total"]
        self._seconds: Histogram = metrics["policy_service_request_seconds"]
        self._refusals: Counter = metrics["policy_service_refusals_total"]
        self._decisions: Counter = metrics["policy_service_decisions_total"]
        self._replays: Counter = metrics["policy_service_replays_total"]
        self._commit_writes: Histogram = metrics["policy_service_commit_writes"]
        self._commit_seconds: Histogram = metrics["policy_service_commit_seconds"]
        self._signed: Counter = metrics["policy_service_checkpoints_total"]
        self._not_signed: Counter = metrics["policy_service_checkpoint_refusals_total"]
        metrics["policy_service_workers"].set(1)
        metrics["policy_service_info"].labels(version("policy-service")).set(1)
        self._children: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request, and its duration."""
        key = (route, method, status)
        children = self._children.get(key)
        if children is None:
            children = (self._requests.labels(*key), self._seconds.labels(route))
            self._children[key] = children
        children[0].inc()
        children[1].observe(seconds)

    def observe_commit(self, writes: int, seconds: float) -> None:
        """Record a commit of the ledger: its number of writes and its duration."""
        self._commit_writes.observe(writes)
        self._commit_seconds.observe(seconds)

    def count_refusal(self, code: str) -> None:
        """Count a request, or a line of a batch, that was refused."""
        self._refusals.labels(code).inc()

    def count_decision(self, outcome: str, *, replayed: bool) -> None:
        """Count an answered event."""
        if replayed:
            self._replays.inc()
        else:
            self._decisions.labels(outcome).inc()

    def count_signed_checkpoints(self, checkpoints: int) -> None:
        """Count signed checkpoints."""
        self._signed.inc(checkpoints)

    def count_refused_checkpoint(self) -> None:
        """Count a log that was refused its checkpoint."""
        self._not_signed.inc()

    def text(self, size: StoreSize | None, lag: CheckpointLag | None = None) -> bytes:
        """Return the metrics of all processes in the text format; with size and lag if known.

        If the folder was deleted, the metrics are those of this process alone.
        """
        shown = CollectorRegistry()
        if (folder := os.environ.get(FOLDER_VARIABLE)) and Path(folder).is_dir():
            pids = [pid for pid in _pids(Path(folder)) if _is_running(pid, folder)]
            MultiProcessCollector(shown, folder)  # type: ignore[no-untyped-call]
        else:
            pids = [os.getpid()]
            shown.register(self._registry)
        shown.register(_ProcessesCollector(pids))
        if size:
            shown.register(_LedgerCollector(size, lag))
        return generate_latest(shown)


def _allocate_files(folder: Path) -> None:
    """Allocate the disk space of this process's metrics, so that a full disk cannot kill it.

    The library maps sparse files into memory, and a write to a hole on a full disk kills the
    process. If there is no space now, this process counts in memory, and its counts are not
    collected.
    """
    files = [folder / f"{name}_{os.getpid()}.db" for name in _FILES]
    try:
        for path in files:
            with path.open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, _FILE_BYTES)
    except OSError as error:
        for path in files:
            path.unlink(missing_ok=True)
        values.ValueClass = values.MutexValue
        _log.warning("this process is not counted: %s", error.strerror)


def _create_metric(metric: Metric, registry: CollectorRegistry) -> Any:  # noqa: ANN401 - one of three types
    more: dict[str, Any] = {}
    if metric.type is Histogram:
        more["buckets"] = metric.buckets
    if metric.type is Gauge:
        more["multiprocess_mode"] = metric.multiprocess_mode
    return metric.type(metric.name, metric.documentation, metric.labels, registry=registry, **more)


def _pids(folder: Path) -> list[int]:
    return sorted({int(file.stem.rpartition("_")[2]) for file in folder.glob("*.db")})


def _is_running(pid: int, folder: str) -> bool:
    """Return True if the process runs.

    The counters of an ended process stay; its gauges are removed.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        with suppress(OSError):  # another worker may be doing the same
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
        return False
    return True


class _LedgerCollector:
    """A collector of figures about the ledger, equal in every process."""

    def __init__(self, size: StoreSize, lag: CheckpointLag | None) -> None:
        self._values: dict[str, float] = {
            "policy_service_ledger_entries": size.entries,
            "policy_service_ledger_bytes": size.bytes,
        }
        if lag:
            self._values["policy_service_checkpoint_lag_entries"] = lag.entries
            self._values["policy_service_checkpoint_lag_seconds"] = lag.seconds

    def collect(self) -> Iterator[Family]:
        """Yield the figures."""
        for metric in METRICS:
            if metric.multiprocess_mode is None and metric.name in self._values:
                value = self._values[metric.name]
                yield GaugeMetricFamily(metric.name, metric.documentation, value=value)


class _ProcessesCollector:
    """A collector of the operating system's figures about processes, added up."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._pids = list(pids)

    def collect(self) -> Iterator[Family]:
        """Yield the figures."""
        families: dict[str, Family] = {}
        for pid in self._pids:
            for family in ProcessCollector(pid=lambda pid=pid: pid, registry=None).collect():  # type: ignore[misc]
                total = families.setdefault(family.name, family)
                if total is not family:
                    _add_samples(total, family)
        yield from families.values()


def _add_samples(total: Family, more: Family) -> None:
    together = min if "start_time" in total.name else sum
    total.samples = [
        one._replace(value=together((one.value, other.value)))
        for one, other in zip(total.samples, more.samples, strict=True)
    ]
