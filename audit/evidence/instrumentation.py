"""The interface between signing and metrics."""

from __future__ import annotations

from dataclasses import dataclass


class SigningMetrics:
    """The null object of signing metrics: ignores each report."""

    def count_signed_checkpoints(self, checkpoints: int) -> None:
        """Count checkpoints that were signed."""

    def count_refused_checkpoint(self) -> None:
        """Count a log that was refused its checkpoint."""


@dataclass(frozen=True, slots=True)
class CheckpointLag:
    """Entries of all logs that no checkpoint covers, and the age of the oldest in seconds."""

    entries: int
    seconds: float
