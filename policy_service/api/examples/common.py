"""Examples that several resources share: one workspace, one visitor, one change of the rules.

The tests check the examples against their schemas, and send those that can be sent.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DIGEST = "sha256:eb743e7843f1703fa921ccbf9d7847630b9b3c73ae7ee40fc7d116170c830a7d"
DECISION_ID = "dec-i7ryxcqtpg5kxrxm655gb7qnve"
LEAF_HASH = "hu5RVRtGsr5majYgUTGmptabKHP3at/N/NGqYHERTq0="

EVENT: Json = {
    "id": "ev-1",
    "type": "conversation.started",
    "occurred_at": "2026-11-22T10:00:00Z",
    "workspace": {"id": "acme", "plan": "pro"},
    "conversation": {
        "id": "c-1",
        "direction": "inbound",
        "channel": "messenger",
        "assigned": False,
    },
    "contact": {"id": "ct-1", "kind": "lead", "email": None, "identity": "none"},
    "message": {"text": "Hi there", "language": "en-GB"},
    "attributes": {"company_size": 40},
}
_AGAIN: Json = {name: EVENT[name] for name in ("workspace", "conversation", "contact")}
EVENTS: Json = {
    "conversation.started": EVENT,
    "contact.replied": {
        "id": "ev-2",
        "type": "contact.replied",
        "occurred_at": "2026-11-22T10:00:21Z",
        **_AGAIN,
        "answer": {"choice": "not_customer"},
    },
    "contact.identified": {
        "id": "ev-3",
        "type": "contact.identified",
        "occurred_at": "2026-11-22T10:00:40Z",
        **_AGAIN,
        "contact": {**EVENT["contact"], "email": "ada@example.com", "identity": "claimed"},
    },
    "qualification.completed": {
        "id": "ev-4",
        "type": "qualification.completed",
        "occurred_at": "2026-11-22T10:01:10Z",
        **_AGAIN,
    },
    "teammate.joined": {
        "id": "ev-5",
        "type": "teammate.joined",
        "occurred_at": "2026-11-22T10:02:00Z",
        **_AGAIN,
        "conversation": {**EVENT["conversation"], "assigned": True},
    },
    "question.expired": {
        "id": "ev-6",
        "type": "question.expired",
        "occurred_at": "2026-11-22T10:03:00Z",
        **_AGAIN,
        "question": {"id": f"{DECISION_ID}.0"},
    },
    "conversation.closed": {
        "id": "ev-7",
        "type": "conversation.closed",
        "occurred_at": "2026-11-22T10:20:00Z",
        **_AGAIN,
    },
}
"""An event of each type, in one conversation."""
ASK: Json = {
    "id": f"{DECISION_ID}.0",
    "type": "ask",
    "text": "Are you an existing customer?",
    "choices": [
        {"value": "customer", "label": "Yes, I'm a customer"},
        {"value": "not_customer", "label": "No, I'm not a customer yet"},
    ],
    "expires_at": "2026-11-22T10:03:00Z",
}
DECISION: Json = {
    "id": DECISION_ID,
    "event": "ev-1",
    "workspace": "acme",
    "conversation": "c-1",
    "outcome": "ask",
    "reason": "anonymous_contact",
    "rule": "ask-if-customer",
    "stage": "awaiting_answer",
    "policy": {"version": 1, "digest": DIGEST},
    "actions": [ASK],
    "decided_at": "2026-11-22T10:00:00.412Z",
    "ledger": {"log": "acme", "index": 2, "leaf_hash": LEAF_HASH},
}
"""The decision on `EVENT` as the first event of a workspace."""

NOT_ENTITLED: Json = {
    **DECISION,
    "outcome": "not_triggered",
    "reason": "plan_not_entitled",
    "rule": "plan-not-entitled",
    "stage": "not_routed",
    "actions": [],
}
EXPLANATION: Json = {
    "decision": NOT_ENTITLED,
    "facts": {
        "event.type": "conversation.started",
        "workspace.plan": "starter",
        "conversation.direction": "inbound",
        "conversation.channel": "messenger",
        "conversation.assigned": False,
        "conversation.stage": "new",
        "conversation.asks": 0,
        "contact.kind": "lead",
        "contact.identity": "none",
        "contact.reachable": False,
        "message.language": "en-GB",
        "office.open": True,
        "sample.bucket": 9041,
    },
    "tried": [
        {
            "rule": "switched-off",
            "held": False,
            "failed": {"fact": "settings.enabled", "expected": False, "actual": True},
        },
        {"rule": "plan-not-entitled", "held": True, "failed": None},
    ],
}
"""Of `EVENT` in a workspace with the plan `starter`."""

DOCUMENT: Json = {
    "format": 1,
    "title": "Ask in French, too",
    "settings": {"languages": ["en", "fr"]},
    "messages": {
        "en": {"ask": "Are you a customer?", "customer": "Yes", "not_customer": "No"},
        "fr": {"ask": "Êtes-vous client ?", "customer": "Oui", "not_customer": "Non"},
    },
    "rules": [
        {
            "id": "ask-if-customer",
            "when": {
                "conversation.stage": "new",
                "event.type": "conversation.started",
                "message.language": {"language": "$languages"},
            },
            "outcome": "ask",
            "reason": "anonymous_contact",
            "stage": "awaiting_answer",
            "actions": ["ask"],
        }
    ],
    "otherwise": {"outcome": "noted", "reason": "unexpected_event"},
    "tests": [
        {
            "name": "French visitors are asked",
            "given": {"message.language": "fr", "settings.languages": ["en", "fr"]},
            "expect": {"reason": "anonymous_contact"},
        }
    ],
}
DOCUMENT_DIGEST = "sha256:1d03aa432149a52cfe425af46ec81c99130412b7d5e42c55fa9f3acb52f72c6f"
STEP: Json = {"by": "key-43993dbdf818", "at": "2026-11-22T12:30:00.000Z", "index": 4}
"""The step of the approver's key."""
