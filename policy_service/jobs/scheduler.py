"""The background jobs of the service: one table of jobs, run by one of the processes that serve.

Each process has a scheduler, but only the process that holds the store's leader lock `jobs` works.
The system releases the lock when its holder ends. The next turn of another process takes the lock.
A clock that is put forward or back neither stops the turns nor adds any.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from audit.errors import AuditError
from policy_service.policies.activation import activate_due_in_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from apscheduler.job import Job

    from policy_service.services import Services

LEADER_LOCK = "jobs"
SECONDS_AFTER_FAILURE = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """Work that is repeated, with an interval in seconds between its starts."""

    name: str
    seconds: float
    work: Callable[[Services], object]


def _sign_due(services: Services) -> None:
    if services.checkpoints:
        services.checkpoints.sign_due()


def _activate_due(services: Services) -> None:
    activate_due_in_all(services.store, services.policies)


def _wake_replays(services: Services) -> None:
    if services.replays:
        services.replays.wake()


JOBS = (
    ScheduledJob("sign", 0.5, _sign_due),
    ScheduledJob("activate", 1.0, _activate_due),
    ScheduledJob("replay", 2.0, _wake_replays),
)


class _IntervalTrigger(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """A trigger that fires an interval after the last start of its job.

    The library's own trigger would count each interval that a jump of the clock skipped.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """Return the time of the next start."""
        del previous_fire_time
        return now + self._interval


class _SteadyJobStore(MemoryJobStore):  # type: ignore[misc]  # the library has no types
    """A job store that does not wait until a clock that was put back shows its old time again."""

    def get_due_jobs(self, now: datetime) -> list[Job]:
        """Return the jobs that are due; a job that would wait more than its interval is due now."""
        for job in self.get_all_jobs():
            if job.next_run_time > job.trigger.get_next_fire_time(None, now):
                job.modify(next_run_time=now)
        due: list[Job] = super().get_due_jobs(now)
        return due


class JobScheduler:
    """The jobs of a process: started after it was forked, stopped before it ends."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._leader_lock = services.store.leader_lock(LEADER_LOCK)
        self._failed: dict[str, tuple[str, float]] = {}  # the last error, and the end of the pause
        # A job that takes long skips its next turns, which is no news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            jobstores={"default": _SteadyJobStore()},
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def start(self) -> None:
        """Start the scheduler of this process."""
        for job in JOBS:
            self._scheduler.add_job(self._run, _IntervalTrigger(job.seconds), [job], id=job.name)
        self._scheduler.start()

    def stop(self) -> None:
        """Wait for the running job, run every job once more, and release the lock."""
        self._scheduler.shutdown(wait=True)
        for job in JOBS:
            self._run(job)
        self._leader_lock.release()

    def _run(self, job: ScheduledJob) -> None:
        last_error, until = self._failed.get(job.name, ("", 0.0))
        if time.monotonic() < until or not self._leader_lock.try_acquire():
            return
        try:
            job.work(self._services)
        except AuditError as error:
            self._failed[job.name] = (str(error), time.monotonic() + SECONDS_AFTER_FAILURE)
            if str(error) != last_error:
                members = {"job": job.name, "code": error.code, "why": str(error)}
                _log.error("a job failed", extra={"members": members})
        except Exception:  # noqa: BLE001 - whatever it is, the next turn tries again
            _log.exception("the job %s failed", job.name)
        else:
            self._failed.pop(job.name, None)
