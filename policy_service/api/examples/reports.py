"""Examples of what is said over all facts, for the description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.api.examples import common

if TYPE_CHECKING:
    from rules.model.document import Json

_CONVERSATION: Json = [
    {
        "id": "ev-aa2a30b80197-1",
        "type": "conversation.started",
        "occurred_at": "2026-01-05T10:01:00Z",
        "workspace": {"id": "example", "plan": "pro"},
        "conversation": {"id": "c-aa2a30b80197", "direction": "inbound"},
        "contact": {"id": "ct-1", "kind": "lead"},
        "message": {"text": "Hello", "language": "de"},
    }
]
_GIVEN: Json = {"message.language": "de"}
_RECORDED: Json = {"decisions": 9317, "complete": False}
DIFF: Json = {
    **common.DIFF,
    "properties": [],
    "semantic_changes": [
        {
            "texts_only": False,
            "before": {
                "rule": "language-not-supported",
                "outcome": "not_triggered",
                "reason": "language_not_supported",
                "stage": "not_routed",
                "actions": [],
            },
            "after": {
                "rule": "ask-if-customer",
                "outcome": "ask",
                "reason": "anonymous_contact",
                "stage": "awaiting_answer",
                "actions": [{"type": "ask", "text": "Are you an existing customer?"}],
            },
            "fact_values": {"conversation.stage": ["new"], "message.language": ["such as de"]},
            "example": _GIVEN,
            "conversation": _CONVERSATION,
            "decisions": 412,
        }
    ],
    "semantic_changes_complete": True,
    "recorded": _RECORDED,
}
REPORT: Json = {
    "version": 2,
    "digest": common.POLICY["digest"],
    "findings": [
        {
            "pointer": "/rules/3",
            "code": "rule_unreachable",
            "message": "german is never reached: language-not-supported before it decides all "
            "it asks for",
            "example": {
                "given": _GIVEN,
                "decision": {
                    "outcome": "not_triggered",
                    "reason": "language_not_supported",
                    "rule": "language-not-supported",
                    "stage": "not_routed",
                    "actions": [],
                },
                "conversation": _CONVERSATION,
            },
        }
    ],
    "undecided": [],
    "properties": ["outbound-is-never-asked"],
    "coverage": {
        "rules": 34,
        "untested": ["german"],
        "suggested_tests": [],
        "unreachable": ["german"],
        "yaml": "",
    },
    "recorded": _RECORDED,
    "guardrails": [
        {"id": "outbound-is-never-asked", "state": "holds", "message": None, "example": None}
    ],
}
