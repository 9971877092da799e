"""Decisions, as metrics see them."""

from __future__ import annotations


class DecisionMetrics:
    """The null object of decision metrics: ignores each report."""

    def count_decision(self, outcome: str, *, replayed: bool) -> None:
        """Count an answered event; `replayed` if it had its decision already."""

    def count_refusal(self, code: str) -> None:
        """Count a request, or a line of a batch, that was refused with a code."""
