"""The result of a backtest: counts, and a bounded number of examples; no personal data."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_EXAMPLES = 20
MAX_PAIRS = 1_000
"""The number of listed pairs of rules, the most frequent first."""


class Comparison(NamedTuple):
    """Outcome and rule of one decision before and after.

    `changed_fields` is empty if nothing changed.
    """

    outcome_before: str
    outcome_after: str
    rule_before: str
    rule_after: str
    changed_fields: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """The counts of a part of a history; `add` sums them up."""

    counts: Counter[Comparison] = field(default_factory=Counter)
    undetermined: Counter[str] = field(default_factory=Counter)
    """Undetermined decisions, by the reason."""
    changed: dict[str, int] = field(default_factory=dict)
    """Conversations that change, with the index of their first changed decision."""
    undetermined_conversations: set[str] = field(default_factory=set)

    def count(self, comparison: Comparison) -> None:
        """Count one compared decision."""
        self.counts[comparison] += 1

    def mark_changed(self, conversation: str, index: int) -> None:
        """Record that a conversation changes, first at this index."""
        self.changed.setdefault(conversation, index)

    def count_undetermined(self, reason: str, conversation: str, decisions: int = 1) -> None:
        """Count undetermined decisions of a conversation."""
        self.undetermined[reason] += decisions
        self.undetermined_conversations.add(conversation)

    def add(self, later: Tally) -> None:
        """Add the counts of a later part."""
        self.counts.update(later.counts)
        self.undetermined.update(later.undetermined)
        self.changed = {**later.changed, **self.changed}
        self.undetermined_conversations |= later.undetermined_conversations

    @property
    def differs(self) -> bool:
        """True if any conversation changes."""
        return bool(self.changed)

    def as_json(self) -> dict[str, Any]:
        """Return the result; outcomes are sorted by name, rules by frequency."""
        outcomes: Counter[tuple[str, str]] = Counter()
        rules: Counter[tuple[str, str]] = Counter()
        members: Counter[str] = Counter()
        for comparison, count in self.counts.items():
            outcomes[comparison.outcome_before, comparison.outcome_after] += count
            if comparison.changed_fields:
                rules[comparison.rule_before, comparison.rule_after] += count
                members.update(dict.fromkeys(comparison.changed_fields, count))
        determined = self.counts.total()
        identical = sum(
            count for comparison, count in self.counts.items() if not comparison.changed_fields
        )
        examples = sorted(self.changed.items(), key=lambda each: each[1])[:MAX_EXAMPLES]
        by_frequency = sorted(rules.items(), key=lambda each: (-each[1], each[0]))
        return {
            "decisions": determined + self.undetermined.total(),
            "identical": identical,
            "changed": determined - identical,
            "undetermined": self.undetermined.total(),
            "outcomes": _pairs(sorted(outcomes.items())),
            "rules": _pairs(by_frequency[:MAX_PAIRS]),
            "members": dict(sorted(members.items())),
            "conversations": {
                "changed": len(self.changed),
                "undetermined": len(self.undetermined_conversations),
                "examples": [{"conversation": c, "index": index} for c, index in examples],
            },
            "undetermined_reasons": dict(sorted(self.undetermined.items())),
        }


def _pairs(counted: Iterable[tuple[tuple[str, str], int]]) -> list[dict[str, Any]]:
    return [{"before": before, "after": after, "count": n} for (before, after), n in counted]
