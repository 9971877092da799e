"""Decisions, as metrics see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.evidence.instrumentation import CheckpointLag
    from audit.stores.contract import StoreSize


class DecisionMetrics:
    """The null object of decision metrics: ignores each report."""

    def count_decision(self, outcome: str, *, replayed: bool) -> None:
        """Count an answered event; `replayed` if it had its decision already."""

    def count_refusal(self, code: str) -> None:
        """Count a request, or a line of a batch, that was refused with a code."""

    def text(self, size: StoreSize | None, lag: CheckpointLag | None = None) -> bytes:
        """Return the metrics in the text format of Prometheus: none."""
        del size, lag
        return b""
