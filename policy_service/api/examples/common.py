"""Bodies and answers to show: one workspace, one visitor, one change of the rules.

The tests hold them to their schemas, and send those that can be sent.
"""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]

_DIGEST = "sha256:eb743e7843f1703fa921ccbf9d7847630b9b3c73ae7ee40fc7d116170c830a7d"
_DECISION = "dec-i7ryxcqtpg5kxrxm655gb7qnve"
_LEAF_HASH = "hu5RVRtGsr5majYgUTGmptabKHP3at/N/NGqYHERTq0="

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
ASK: Json = {
    "id": f"{_DECISION}.0",
    "type": "ask",
    "text": "Are you an existing customer?",
    "choices": [
        {"value": "customer", "label": "Yes, I'm a customer"},
        {"value": "not_customer", "label": "No, I'm not a customer yet"},
    ],
    "expires_at": "2026-11-22T10:03:00Z",
}
DECISION: Json = {
    "id": _DECISION,
    "event": "ev-1",
    "workspace": "acme",
    "conversation": "c-1",
    "outcome": "ask",
    "reason": "anonymous_contact",
    "rule": "ask-if-customer",
    "stage": "awaiting_answer",
    "policy": {"version": 1, "digest": _DIGEST},
    "actions": [ASK],
    "decided_at": "2026-11-22T10:00:00.412Z",
    "ledger": {"log": "acme", "index": 2, "leaf_hash": _LEAF_HASH},
}
"""The decision on `EVENT` of a workspace that begins with it."""
_REFUSED: Json = {
    "type": "about:blank",
    "title": "The body is not I-JSON",
    "status": 400,
    "code": "invalid_json",
    "detail": "The body is not JSON: Expecting value at line 1, column 1",
}


def _lines(*values: object) -> str:
    return "".join(f"{each if isinstance(each, str) else json.dumps(each)}\n" for each in values)


BATCH = _lines(EVENT, "ev-2")
BATCH_DECIDED = _lines(DECISION, _REFUSED)

_NOT_ENTITLED: Json = {
    **DECISION,
    "outcome": "not_triggered",
    "reason": "plan_not_entitled",
    "rule": "plan-not-entitled",
    "stage": "not_routed",
    "actions": [],
}
EXPLANATION: Json = {
    "decision": _NOT_ENTITLED,
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
"""Of `EVENT`, had the workspace's plan been `starter`."""
TRIAL: Json = {"event": EVENT, "stage": "new", "asks": 0, "version": 1}
_TRIED: Json = {**_NOT_ENTITLED, "decided_at": None, "ledger": None}
DRY_RUN: Json = {"decision": _TRIED, "explanation": {**EXPLANATION, "decision": _TRIED}}
STORY: Json = {
    "items": [
        {
            "index": 2,
            "event": "ev-1",
            "type": "conversation.started",
            "occurred_at": "2026-11-22T10:00:00Z",
            "decided_at": "2026-11-22T10:00:00.412Z",
            "decision": _DECISION,
            "outcome": "ask",
            "reason": "anonymous_contact",
            "rule": "ask-if-customer",
            "stage": "awaiting_answer",
            "version": 1,
            "digest": _DIGEST,
            "author": {"key": "system", "name": None},
            "approvers": [],
            "actions": [{**ASK, "status": "pending"}],
        }
    ],
    "next": None,
}

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
PROPOSAL: Json = {"document": DOCUMENT, "note": "Support answers in French from December on"}
_DOCUMENT_DIGEST = "sha256:1d03aa432149a52cfe425af46ec81c99130412b7d5e42c55fa9f3acb52f72c6f"
APPROVAL: Json = {"digest": _DOCUMENT_DIGEST}
REJECTION: Json = {"reason": "The French texts are still missing"}
ACTIVATION: Json = {"apply_to_running": True}

PROPOSED: Json = {
    "version": 2,
    "digest": _DOCUMENT_DIGEST,
    "status": "proposed",
    "title": DOCUMENT["title"],
    "note": PROPOSAL["note"],
    "proposed_by": "key-3c28b8f6b7fe",
    "proposed_at": "2026-11-22T12:00:00.000Z",
    "approvals": [],
    "activations": [],
    "scheduled": [],
    "rejected": None,
}
_APPROVED_BY = {"by": "key-43993dbdf818", "at": "2026-11-22T12:30:00.000Z", "index": 4}
_ACTIVATED_BY = {
    "by": "key-43993dbdf818",
    "at": "2026-11-22T13:00:00.000Z",
    "index": 5,
    "apply_to_running": True,
}
APPROVED: Json = {**PROPOSED, "status": "approved", "approvals": [_APPROVED_BY]}
REJECTED: Json = {
    **PROPOSED,
    "status": "rejected",
    "rejected": {**_APPROVED_BY, "reason": REJECTION["reason"]},
}
ACTIVE: Json = {**APPROVED, "status": "active", "activations": [_ACTIVATED_BY]}
VERSIONS: Json = {"items": [ACTIVE], "next": None}
REQUIREMENT: Json = {"count": 2, "reason": "Compliance and the head of support both look"}
NEW_GUARDRAILS: Json = {
    "properties": [
        {
            "id": "outbound-is-never-asked",
            "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
            "outcome_in": ["not_triggered", "noted"],
        }
    ],
    "reason": "Agreed with the works council",
}
GUARDRAILS: Json = {
    "properties": NEW_GUARDRAILS["properties"],
    "digest": "sha256:c72459bb6ff214ee5766f47215200b46c7dc37a2e0caa84f13ca04513544c7c8",
    "since": {**_APPROVED_BY, "reason": NEW_GUARDRAILS["reason"]},
}
NEW_DIRECTORY: Json = {
    "teams": ["inbox", "sales", "support"],
    "teammates": ["tm-17", "tm-4"],
    "tags": ["lead"],
}
DIRECTORY: Json = {
    **NEW_DIRECTORY,
    "digest": "sha256:067c5695398306854bd383dce775a1950d6c832596d2479251f9a81a8644289c",
    "since": {name: _APPROVED_BY[name] for name in ("by", "at", "index")},
}
REQUIRED: Json = {"count": 2, "since": {**_APPROVED_BY, "reason": REQUIREMENT["reason"]}}
DIFF: Json = {
    "version": 3,
    "against": 2,
    "settings": [{"name": "languages", "before": ["en", "fr"], "after": ["en", "fr", "de"]}],
    "rules": [],
    "moved_rules": [],
    "texts": [{"name": "messages/de/ask", "before": None, "after": "Sind Sie schon Kunde?"}],
    "facts": [],
}
VERSION_WITH_DOCUMENT: Json = {**ACTIVE, "document": DOCUMENT}
POLICY: Json = {"version": 2, "digest": _DOCUMENT_DIGEST, "document": DOCUMENT}

ENTRY: Json = {
    "index": 4,
    "kind": "version.approved",
    "at": "2026-11-22T12:30:00.000Z",
    "leaf_hash": "Mn1fzdh6fetbX9pmZRhm5sIj4mu/QGP15hUlIxruIqo=",
    "entry": {
        "at": "2026-11-22T12:30:00.000Z",
        "by": "key-43993dbdf818",
        "digest": _DOCUMENT_DIGEST,
        "format": 1,
        "kind": "version.approved",
        "version": 2,
        "workspace": "acme",
    },
    "personal": None,
}
TABLE = (
    "index,kind,at,leaf_hash,event,conversation,outcome,reason,rule,stage,version,by,entry\r\n"
    f"4,version.approved,2026-11-22T12:30:00.000Z,{ENTRY['leaf_hash']},,,,,,,2,key-43993dbdf818,"
    '"{""at"":""2026-11-22T12:30:00.000Z"",""by"":""key-43993dbdf818"", ...}"\r\n'
)
ENTRIES: Json = {"items": [ENTRY], "next": "4"}
RECEIPT: Json = {"status": "delivered"}
PENDING_ACTION: Json = {
    **ASK,
    "decision": _DECISION,
    "event": "ev-1",
    "conversation": "c-1",
    "index": 2,
    "status": "pending",
    "status_at": None,
    "status_by": None,
    "detail": None,
}
DELIVERED_ACTION: Json = {
    **PENDING_ACTION,
    "status": "delivered",
    "status_at": "2026-11-22T10:00:02.118Z",
    "status_by": "key-43993dbdf818",
}
ACTIONS: Json = {"items": [PENDING_ACTION], "next": "2.0"}
ERASURE: Json = {"contact": "ct-1", "reason": "Asked for by the person, ticket 4711"}
ERASED: Json = {
    "entries": [2, 4, 7],
    "reason": ERASURE["reason"],
    "by": "key-3c28b8f6b7fe",
    "at": "2026-11-30T09:00:00.000Z",
    "ledger": {"log": "acme", "index": 9, "leaf_hash": _LEAF_HASH},
}
NEW_HOLD: Json = {"contact": "ct-1", "reason": "Asked for by the court, case 12/34"}
HOLD: Json = {
    "id": "hold-6f1d2c0b9a37",
    "scope": "contact",
    "contact": "ct-1",
    "status": "active",
    "reason": NEW_HOLD["reason"],
    "set_by": "key-3c28b8f6b7fe",
    "set_at": "2026-11-23T08:00:00.000Z",
    "index": 7,
    "released": None,
}
HOLDS: Json = {"items": [HOLD], "next": None}
RELEASE: Json = {"reason": "The case is closed"}
RELEASED_HOLD: Json = {
    **HOLD,
    "status": "released",
    "released": {
        "by": "key-43993dbdf818",
        "at": "2026-11-29T08:00:00.000Z",
        "index": 8,
        "reason": RELEASE["reason"],
    },
}
ALIVE: Json = {"status": "ok"}
READY: Json = {"status": "ready"}
METRICS = """\
# HELP policy_service_decisions_total decisions that were written
# TYPE policy_service_decisions_total counter
policy_service_decisions_total{outcome="ask"} 41.0
"""

NEW_KEY: Json = {
    "role": "auditor",
    "workspace": "acme",
    "name": "The yearly audit",
    "expires_at": "2026-12-31T23:00:00Z",
}
_KEY: Json = {
    "id": "key-3c28b8f6b7fe",
    **NEW_KEY,
    "created_at": "2026-11-22T12:00:00.000Z",
    "created_by": "key-43993dbdf818",
    "expires_at": "2026-12-31T23:00:00.000Z",
    "revoked_at": None,
    "last_used_at": None,
}
CREATED_KEY: Json = {
    **_KEY,
    "secret": "key-3c28b8f6b7fe.xlVLLOiIfDl3Q4r2N5nCJd8sT1m0uY7wEoKzPhGbAvM",
}
_USED_KEY: Json = {**_KEY, "last_used_at": "2026-11-30T16:20:07.412Z"}
KEYS: Json = {"items": [_USED_KEY], "next": None}
REVOKED_KEY: Json = {**_USED_KEY, "revoked_at": "2026-12-01T09:00:00.000Z"}
