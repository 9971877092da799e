"""Replays to show to clients."""

from __future__ import annotations

from typing import Any

_DIGEST = "sha256:eb743e7843f1703fa921ccbf9d7847630b9b3c73ae7ee40fc7d116170c830a7d"

ASKED_REPLAY: dict[str, Any] = {"version": 1, "mode": "decisions"}
REPLAY: dict[str, Any] = {
    "id": "rep-0123456789abcdef",
    "workspace": "acme",
    "state": "done",
    "mode": "decisions",
    "version": 1,
    "digest": _DIGEST,
    "asked_at": "2026-11-22T18:01:00.440Z",
    "asked_by": "key-2c9f1d6a7b30",
    "progress": {"done": 4, "total": 4},
    "result": {
        "kind": "backtest",
        "decisions": 2,
        "identical": 1,
        "changed": 1,
        "undetermined": 0,
        "outcomes": [
            {"before": "ask", "after": "ask", "count": 1},
            {"before": "not_triggered", "after": "ask", "count": 1},
        ],
        "rules": [{"before": "language-unknown", "after": "ask-if-customer", "count": 1}],
        "members": {"actions": 1, "outcome": 1, "reason": 1, "rule": 1, "stage": 1},
        "conversations": {
            "changed": 1,
            "undetermined": 0,
            "examples": [{"conversation": "c-1", "index": 3}],
        },
        "undetermined_reasons": {},
    },
    "error": None,
}
