"""Explanations of decisions."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from policy_service.decisions.record import decision_view
from policy_service.policies.policy_cache import load_document
from policy_service.privacy.erasures import find_erasures
from rules.engine.evaluator import explain_ruling

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.stores.contract import Snapshot
    from rules.engine.evaluator import RulingExplanation
    from rules.model.document import Facts


def recorded_explanation(snapshot: Snapshot, entry: Entry) -> dict[str, Any]:
    """Explain a recorded decision by its facts and the version that decided it.

    If its event was erased, `erased` names the entry and the time of the erasure.
    """
    leaf = entry.value
    document = load_document(snapshot, leaf["policy"]["digest"])
    explanation = explain_ruling(document.own_binding, leaf["facts"])
    explained = {"decision": decision_view(entry), **explanation_view(explanation, leaf["facts"])}
    erased = find_erasures(snapshot, entry.log, [entry.index])
    return {**explained, "erased": erased[entry.index]} if erased else explained


def explanation_view(explanation: RulingExplanation, facts: Facts) -> dict[str, Any]:
    """Return the facts, and every rule up to the one that held."""
    return {
        "facts": dict(facts),
        "tried": [
            {
                "rule": tried.rule,
                "held": tried.held,
                "failed": asdict(tried.failed) if tried.failed else None,
            }
            for tried in explanation.attempts
        ],
    }
