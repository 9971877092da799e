"""Why a decision came out as it did, as it is answered."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rules.document import Facts
    from rules.explain import Explanation


def explanation_view(explanation: Explanation, facts: Facts) -> dict[str, Any]:
    """The facts, and every rule up to the one that held."""
    return {
        "facts": dict(facts),
        "tried": [
            {
                "rule": tried.rule,
                "held": tried.held,
                "failed": asdict(tried.failed) if tried.failed else None,
            }
            for tried in explanation.tried
        ],
    }
