"""The shipped sample: invented conversations, drawn from a seed.

Each follows one path through the routing, so that every edit changes some of them. The only
personal data are addresses at `example.com`.
"""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any

from tests.examples.edits import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = FOLDER / "conversations.ndjson.gz"
WORKSPACE = "acme"
SEED = 20261122
CONVERSATIONS = 200

_PLANS = ("pro",) * 5 + ("premium",) * 2 + ("team", "starter")
_CHANNELS = ("messenger",) * 5 + ("email", "whatsapp")
_LANGUAGES = ("en",) * 4 + ("en-GB", "en-US", "de", "de-AT", "fr", None)
_KINDS = ("visitor",) * 4 + ("lead",) * 3 + ("user",)
_DIRECTIONS = ("inbound",) * 9 + ("outbound",)
_OPENINGS = ("Hello", "I cannot log in", "How much is the larger plan?", "Where is my invoice?")
_YES = ("yes", "Yes, I'm a customer!", "sure", "yep", "ja", "since last year")
_NO = ("no", "Not yet.", "nope", "nein", "just looking around")
_UNCLEAR = ("why do you ask?", "???", "can somebody help me", "one moment")
_WAYS: dict[str, tuple[str, ...]] = {
    "customer": ("yes", "details"),
    "customer, silent": ("yes", "expired"),
    "customer, writes on": ("yes", "unclear"),
    "customer, clicks": ("click yes", "details"),
    "lead": ("no", "details", "qualified"),
    "lead, silent": ("no", "expired"),
    "lead, clicks": ("click no", "unclear", "qualified"),
    "lead, a customer after all": ("no", "click yes", "details"),
    "unclear once": ("unclear", "yes", "details"),
    "unclear twice": ("unclear", "unclear", "yes"),
    "silent": ("expired",),
    "silent, then there": ("expired", "yes"),
    "teammate": ("teammate", "yes"),
    "closed": ("closed",),
}


def drawn() -> Iterator[dict[str, Any]]:
    """Yield the events of all conversations, one conversation after the other."""
    random = Random(SEED)
    at = datetime(2026, 3, 2, 7, tzinfo=UTC)
    for number in range(CONVERSATIONS):
        at += timedelta(minutes=random.randrange(5, 240))
        yield from _conversation(random, number, at)


def written() -> bytes:
    """Return the sample as NDJSON."""
    return b"".join(json.dumps(event).encode() + b"\n" for event in drawn())


def shipped() -> bytes:
    return gzip.decompress(SAMPLE.read_bytes())


def ship() -> None:
    SAMPLE.write_bytes(gzip.compress(written(), mtime=0))


def _conversation(random: Random, number: int, at: datetime) -> Iterator[dict[str, Any]]:
    kind = random.choice(_KINDS)
    contact: dict[str, Any] = {"id": f"ct-{number}", "kind": kind}
    if kind == "user":
        contact |= _details(number, random.choice(("claimed", "verified")))
    elif kind == "lead" and random.randrange(3) == 0:
        contact |= _details(number, "claimed")
    conversation = {
        "id": f"c-{number}",
        "direction": random.choice(_DIRECTIONS),
        "channel": random.choice(_CHANNELS),
        "assigned": random.randrange(12) == 0,
    }
    attributes = {
        "company_size": random.choice((3, 12, 40, 250, 1800)),
        "vip": random.randrange(10) == 0,
        "out_of_hours": not 8 <= at.hour < 18,
    }
    plan, language = random.choice(_PLANS), random.choice(_LANGUAGES)
    for step, what in enumerate(("start", *random.choice(list(_WAYS.values())))):
        members = _members(random, what)
        if what == "details":
            contact = {**contact, **_details(number, "claimed")}
        if "message" in members and language:
            members["message"]["language"] = language
        if step:
            at += _TIMER if what == "expired" else timedelta(minutes=1)
        yield {
            "id": f"ev-{number}-{step}",
            "occurred_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "workspace": {"id": WORKSPACE, "plan": plan},
            "conversation": conversation,
            "contact": contact,
            "attributes": attributes,
            **members,
        }


def _members(random: Random, what: str) -> dict[str, Any]:
    """Return the type of an event, with its message or answer."""
    texts = {"start": _OPENINGS, "yes": _YES, "no": _NO, "unclear": _UNCLEAR}.get(what)
    if texts is not None:
        kind = "conversation.started" if what == "start" else "contact.replied"
        return {"type": kind, "message": {"text": random.choice(texts)}}
    if what.startswith("click"):
        choice = "customer" if what == "click yes" else "not_customer"
        return {"type": "contact.replied", "answer": {"choice": choice}}
    return {"type": _TYPES[what]}


_TIMER = timedelta(minutes=31)
"""The time after which a question expires, in the sample; no example allows longer answers."""
_TYPES = {
    "details": "contact.identified",
    "expired": "question.expired",
    "qualified": "qualification.completed",
    "teammate": "teammate.joined",
    "closed": "conversation.closed",
}


def _details(number: int, identity: str) -> dict[str, Any]:
    return {"email": f"contact-{number}@example.com", "identity": identity}
