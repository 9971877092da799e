"""Conversations of a chat platform: drawn from a seed, or read from a file and given new ids.

The mix is that of a support desk: about ten events per conversation, nearly four of five a reply,
a third of the contacts unknown, ids that are UUIDs.
"""

# ruff: noqa: S311 - the events are drawn from a seed, so that every run has the same

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from itertools import groupby
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias
from uuid import UUID

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Conversation: TypeAlias = "Sequence[bytes]"
"""The events of one conversation, in order, as JSON."""

SEED = 20261122
WORKSPACES = {"finance-co": "premium", "media-co": "starter", "software-co": "pro"}
_LANGUAGES = ("en", "en", "en", "en-US", "en-GB", "fr", "de-AT", None, None)
_IDENTITIES = {"visitor": "none", "lead": "claimed", "user": "verified"}
_TEXTS = (
    "hello, I have a question about my bill",
    "yes",
    "no, not yet",
    "the last update does not start on my laptop any more, it only shows a grey window",
    "thank you so much",
    "can I get a copy of the invoice of march? I think that there is an error in the second line",
    "ok",
    "what do you mean?",
    "I would like to know what the larger plan costs for forty people",
    "my card was stolen, please help",
)
_MIDDLE = ("contact.replied",) * 36 + (
    "contact.identified", "contact.identified", "qualification.completed",
    "qualification.completed", "teammate.joined", "question.expired",
)  # fmt: skip


def draw_conversations(seed: int = SEED) -> Iterator[Conversation]:
    """Yield conversations without end, the same for the same seed."""
    random = Random(seed)
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    while True:
        start += timedelta(seconds=random.randrange(1, 40))
        yield [orjson.dumps(event) for event in _draw_conversation(random, start)]


def read_sample(path: Path, seed: int = SEED) -> Iterator[Conversation]:
    """Yield the conversations of a file (NDJSON, also gzipped) endlessly, with new ids."""
    body = path.read_bytes()
    lines = (gzip.decompress(body) if path.suffix == ".gz" else body).splitlines()
    events = sorted(
        map(orjson.loads, lines), key=_conversation_of
    )  # stable: keeps the order of events
    conversations = [list(each) for _, each in groupby(events, key=_conversation_of)]
    random = Random(seed)
    while True:
        for events_of_one in conversations:
            yield _with_new_ids(events_of_one, random)


def _conversation_of(event: dict[str, Any]) -> tuple[str, str]:
    return event["workspace"]["id"], event["conversation"]["id"]


def _with_new_ids(events: Sequence[dict[str, Any]], random: Random) -> Conversation:
    conversation, contact = _uuid(random), f"ct-{_uuid(random)}"
    return [
        orjson.dumps(
            {
                **event,
                "id": f"ev-{_uuid(random)}",
                "conversation": {**event["conversation"], "id": conversation},
                "contact": {**event["contact"], "id": contact},
            }
        )
        for event in events
    ]


def _draw_conversation(random: Random, at: datetime) -> Iterator[dict[str, Any]]:
    workspace = random.choice(tuple(WORKSPACES))
    kind = random.choice(("visitor", "visitor", "visitor", "lead", "lead", "user"))
    is_known = kind == "user" or random.random() < 0.3  # noqa: PLR2004 - as on a support desk
    shared: dict[str, Any] = {
        "workspace": {"id": workspace, "plan": WORKSPACES[workspace]},
        "conversation": {
            "id": _uuid(random),
            "channel": random.choice(("messenger", "whatsapp", "email")),
            "assigned": False,
            "direction": random.choice(("inbound",) * 8 + ("outbound",)),
        },
        "contact": {
            "id": f"ct-{_uuid(random)}",
            "kind": kind,
            "email": f"{random.getrandbits(32):08x}@example.com" if is_known else None,
            "identity": _IDENTITIES[kind],
        },
    }
    language = random.choice(_LANGUAGES)
    kinds = ("conversation.started", *random.choices(_MIDDLE, k=random.randrange(4, 14)))
    for event_type in (*kinds, *random.choice(((), ("conversation.closed",)))):
        at += timedelta(seconds=random.randrange(5, 200))
        yield {
            "id": f"ev-{_uuid(random)}",
            "type": event_type,
            "occurred_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            **shared,
            **_content(random, event_type, language),
        }


def _content(random: Random, event_type: str, language: str | None) -> dict[str, Any]:
    if event_type == "qualification.completed":
        return {"attributes": {"company_size": random.randrange(1, 500)}}
    if event_type == "contact.replied" and random.random() < 0.2:  # noqa: PLR2004 - share of clicks
        return {"answer": {"choice": random.choice(("customer", "not_customer"))}}
    if event_type in ("conversation.started", "contact.replied"):
        return {"message": {"text": random.choice(_TEXTS), "language": language}}
    return {}


def _uuid(random: Random) -> str:
    return str(UUID(int=random.getrandbits(128), version=4))
