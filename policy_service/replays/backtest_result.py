"""What a backtest came to: counts, and a bounded number of examples; ids, nothing personal."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_EXAMPLES = 20
MOST_PAIRS = 1_000
"""Pairs of rules that are listed, the most frequent first."""


class Came(NamedTuple):
    """What became of one decision; `members` are those that differ, none where all is as before."""

    outcome_before: str
    outcome_after: str
    rule_before: str
    rule_after: str
    members: tuple[str, ...]


@dataclass(slots=True)
class Tally:
    """Counts of a part of a history; they are added with `add`."""

    counts: Counter[Came] = field(default_factory=Counter)
    untold: Counter[str] = field(default_factory=Counter)
    """Decisions of which nothing can be told, by the reason."""
    changed: dict[str, int] = field(default_factory=dict)
    """Conversations that change, each with the index of the first decision that does."""
    untold_conversations: set[str] = field(default_factory=set)

    def count(self, came: Came) -> None:
        self.counts[came] += 1

    def changed_in(self, conversation: str, index: int) -> None:
        self.changed.setdefault(conversation, index)

    def untellable(self, why: str, conversation: str, decisions: int = 1) -> None:
        self.untold[why] += decisions
        self.untold_conversations.add(conversation)

    def add(self, later: Tally) -> None:
        """Add what a later part came to."""
        self.counts.update(later.counts)
        self.untold.update(later.untold)
        self.changed = {**later.changed, **self.changed}
        self.untold_conversations |= later.untold_conversations

    @property
    def differs(self) -> bool:
        return bool(self.changed)

    def as_json(self) -> dict[str, Any]:
        """The result as it is answered; counts in the order of the words, rules by frequency."""
        outcomes: Counter[tuple[str, str]] = Counter()
        rules: Counter[tuple[str, str]] = Counter()
        members: Counter[str] = Counter()
        for came, count in self.counts.items():
            outcomes[came.outcome_before, came.outcome_after] += count
            if came.members:
                rules[came.rule_before, came.rule_after] += count
                members.update(dict.fromkeys(came.members, count))
        told = self.counts.total()
        identical = sum(count for came, count in self.counts.items() if not came.members)
        examples = sorted(self.changed.items(), key=lambda each: each[1])[:MOST_EXAMPLES]
        by_frequency = sorted(rules.items(), key=lambda each: (-each[1], each[0]))
        return {
            "decisions": told + self.untold.total(),
            "identical": identical,
            "changed": told - identical,
            "untellable": self.untold.total(),
            "outcomes": _pairs(sorted(outcomes.items())),
            "rules": _pairs(by_frequency[:MOST_PAIRS]),
            "members": dict(sorted(members.items())),
            "conversations": {
                "changed": len(self.changed),
                "untellable": len(self.untold_conversations),
                "examples": [{"conversation": c, "index": index} for c, index in examples],
            },
            "why_untellable": dict(sorted(self.untold.items())),
        }


def _pairs(counted: Iterable[tuple[tuple[str, str], int]]) -> list[dict[str, Any]]:
    return [{"before": before, "after": after, "count": n} for (before, after), n in counted]
