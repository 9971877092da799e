"""Events in, decisions out: shape, idempotency, pinning, and every id reachable."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from rules.formats.canonical_json import digest_value, encode_canonical
from rules.model import builtin
from tests.policy_service.api_client import ACME, document, event, read, reply
from tests.policy_service.problems import code
from tests.scenarios.runner import merged

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

FULL = event(
    "ev-full",
    contact={
        "email": "eve@example.com",
        "phone": "+43 1 234",
        "name": "Eve",
        "identity": "claimed",
        "language": "de",
    },
    conversation={"channel": "email", "assigned": False},
    attributes={"company_size": 40, "ratio": 0.25, "list": [1, None, "x"], "deep": {"a": True}},
)


def members(value: Any) -> Any:
    """The names of members, in order, at every level."""
    if isinstance(value, dict):
        return [(name, members(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [members(item) for item in value]
    return None


def test_decision_has_members_in_order_of_specification(api: Api) -> None:
    decision = api.decide(event())
    choices = [[("value", None), ("label", None)], [("value", None), ("label", None)]]
    assert members(decision) == [
        ("id", None),
        ("event", None),
        ("workspace", None),
        ("conversation", None),
        ("outcome", None),
        ("reason", None),
        ("rule", None),
        ("stage", None),
        ("policy", [("version", None), ("digest", None)]),
        (
            "actions",
            [
                [
                    ("id", None),
                    ("type", None),
                    ("text", None),
                    ("choices", choices),
                    ("expires_at", None),
                ]
            ],
        ),
        ("decided_at", None),
        ("ledger", [("log", None), ("index", None), ("leaf_hash", None)]),
    ]


def test_decision_names_its_rule_version_and_entry(api: Api) -> None:
    decision = api.decide(event())
    assert decision["id"].startswith("dec-")
    assert decision == {
        "id": decision["id"],
        "event": "ev-1",
        "workspace": "acme",
        "conversation": "c-1",
        "outcome": "ask",
        "reason": "anonymous_contact",
        "rule": "ask-if-customer",
        "stage": "awaiting_answer",
        "policy": {"version": 1, "digest": digest_value(builtin.load_tree())},
        "actions": [
            {
                "id": f"{decision['id']}.0",
                "type": "ask",
                "text": "Are you an existing customer?",
                "choices": [
                    {"value": "customer", "label": "Yes, I'm a customer"},
                    {"value": "not_customer", "label": "No, I'm not a customer yet"},
                ],
                "expires_at": "2026-11-22T10:03:00Z",
            }
        ],
        "decided_at": "2026-11-22T12:00:00.000Z",
        "ledger": {"log": "acme", "index": 2, "leaf_hash": decision["ledger"]["leaf_hash"]},
    }


def test_leaf_hash_of_decision_is_hash_of_shown_entry(api: Api) -> None:
    """SHA-256 over byte 0 and the canonical JSON, in standard base64."""
    ledger = api.decide(FULL)["ledger"]
    entry = read(api.get(f"{ACME}/ledger/entries/{ledger['index']}"))
    leaf = encode_canonical(entry["entry"])
    hashed = base64.b64encode(hashlib.sha256(b"\0" + leaf).digest()).decode()
    assert hashed == ledger["leaf_hash"] == entry["leaf_hash"]


def test_leaf_has_no_personal_data_and_commits_to_event(api: Api) -> None:
    index = api.decide(FULL)["ledger"]["index"]
    entry = read(api.get(f"{ACME}/ledger/entries/{index}"))
    leaf, personal = entry["entry"], entry["personal"]
    for planted in ("eve@example.com", "+43 1 234", "Eve", "ct-1", "Hi there", "company_size"):
        assert planted not in json.dumps(leaf)
    assert personal["part"] == FULL
    salt = base64.b64decode(personal["salt"])
    assert len(salt) == 32
    committed = hashlib.sha256(salt + encode_canonical(FULL)).digest()
    assert base64.b64encode(committed).decode() == leaf["commitment"]


def test_deadline_counts_from_time_of_event_at_any_clock_time(api: Api) -> None:
    decision = api.decide(event(occurred_at="2031-02-28T23:59:30.5+02:00"))
    assert decision["actions"][0]["expires_at"] == "2031-02-28T22:02:30.500000Z"


def test_noted_decision_has_no_deadline(api: Api) -> None:
    api.decide(event())
    noted = api.decide(event("ev-2", occurred_at="2026-11-22T10:01:00Z"))
    assert (noted["outcome"], noted["actions"]) == ("noted", [])


def test_decided_at_is_time_of_service(api: Api) -> None:
    api.clock.move(hours=1, microseconds=1_999)
    assert api.decide(event())["decided_at"] == "2026-11-22T13:00:00.001Z"


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("contact.identified", {}),
        ("qualification.completed", {}),
        ("teammate.joined", {}),
        ("conversation.closed", {}),
        ("question.expired", {"question": {"id": "dec-none.0"}}),
        ("contact.replied", {"message": {"text": ""}}),
    ],
)
def test_each_type_of_event_is_decided(api: Api, kind: str, more: dict[str, Any]) -> None:
    assert api.decide(event(type=kind, **more))["policy"]["version"] == 1


# The same event again.


def test_repeated_event_gets_same_bytes_and_writes_nothing(api: Api) -> None:
    first = api.post("/v1/decisions", FULL, Role.PLATFORM)
    written = api.log_heads()
    api.clock.move(days=1)
    again = api.post("/v1/decisions", FULL, Role.PLATFORM)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.status_code == first.status_code == 200
    assert again.data == first.data
    assert api.log_heads() == written


def test_repeated_event_gets_same_decision_after_later_changes(api: Api) -> None:
    first = api.post("/v1/decisions", event(), Role.PLATFORM)
    api.decide(reply("ev-2", "customer"))
    api.publish(document(enabled=False))
    assert api.post("/v1/decisions", event(), Role.PLATFORM).data == first.data


SAME = {
    "keys in another order": json.dumps(dict(reversed(FULL.items()))),
    "other white space": json.dumps(FULL, indent=3) + "\r\n\t ",
    "nulls for what is absent": json.dumps({**FULL, "answer": None, "question": None}),
    "nulls left out of attributes": json.dumps(
        {**FULL, "attributes": {**FULL["attributes"], "nothing": None}}
    ),
    "a whole number written as a fraction": json.dumps(FULL).replace(": 40", ": 40.0"),
    "a number with an exponent": json.dumps(FULL).replace(": 40", ": 4e1"),
    "a fraction written longer": json.dumps(FULL).replace("0.25", "0.2500"),
    "characters written as escapes": json.dumps(FULL).replace("Eve", "\\u0045ve"),
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME.keys())
def test_repeated_event_may_be_written_differently(api: Api, body: str) -> None:
    first = api.post("/v1/decisions", FULL, Role.PLATFORM)
    again = api.send("POST", "/v1/decisions", body, api.tokens[Role.PLATFORM])
    assert again.headers.get("Idempotency-Replayed") == "true", again.text
    assert again.data == first.data


OTHERS = {
    "another text": {"message": {"text": "Hi there!"}},
    "another time": {"occurred_at": "2026-11-22T10:00:01Z"},
    "the same time written otherwise": {"occurred_at": "2026-11-22T11:00:00+01:00"},
    "another conversation": {"conversation": {"id": "c-2"}},
    "one field less": {"contact": {"email": None}},
    "another attribute": {"attributes": {"company_size": "40"}},
    "another item in a list": {"attributes": {"list": [1, "x"]}},
    "true for 1": {"attributes": {"list": [True, None, "x"]}},
}


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
def test_another_event_with_same_id_is_refused(api: Api, changes: dict[str, Any]) -> None:
    api.decide(FULL)
    written = api.log_heads()
    refused = api.post("/v1/decisions", merged(FULL, changes), Role.PLATFORM)
    assert code(refused) == (409, "event_id_reused")
    assert api.log_heads() == written


def test_event_id_counts_per_workspace(api: Api) -> None:
    ours = api.decide(event())
    theirs = api.decide(event(workspace={"id": "globex"}))
    assert theirs["ledger"]["log"] == "globex"
    assert theirs["id"] != ours["id"]
    assert theirs["stage"] == ours["stage"] == "awaiting_answer"


def test_key_of_workspace_decides_only_its_events(api: Api) -> None:
    _, token = api.new_key(Role.PLATFORM, "acme")
    accepted = api.send("POST", "/v1/decisions", json.dumps(event()), token)
    assert accepted.status_code == 200
    written = api.log_heads()
    elsewhere = event(workspace={"id": "globex"})
    refused = api.send("POST", "/v1/decisions", json.dumps(elsewhere), token)
    assert code(refused) == (404, "not_found")
    assert api.log_heads() == written


# Which version decides.


def test_conversation_keeps_its_version_until_it_is_routed(api: Api) -> None:
    assert api.decide(event())["policy"]["version"] == 1
    two = api.publish(document(collect_contact=False))
    assert api.decide(reply("ev-2", "customer"))["policy"]["version"] == 1
    last = api.decide(event("ev-3", type="teammate.joined"))
    assert (last["stage"], last["policy"]["version"]) == ("routed", 1)
    assert api.decide(event("ev-4"))["policy"]["version"] == two


def test_new_conversation_keeps_no_version(api: Api) -> None:
    left = api.decide(reply("ev-1", "customer"))
    assert (left["stage"], left["policy"]["version"]) == ("new", 1)
    two = api.publish(document(answer_within="PT10M"))
    asked = api.decide(event("ev-2"))
    assert asked["policy"]["version"] == two
    assert asked["actions"][0]["expires_at"] == "2026-11-22T10:10:00Z"


def test_conversation_started_after_activation_has_new_version(api: Api) -> None:
    api.decide(event())
    two = api.publish(document(enabled=False))
    other = api.decide(event("ev-2", conversation={"id": "c-2"}))
    assert (other["policy"]["version"], other["reason"]) == (two, "switched_off")


def test_approved_version_decides_nothing_before_activation(api: Api) -> None:
    proposed = api.propose(document(enabled=False))
    api.step(proposed["version"], "approve", digest=proposed["digest"])
    assert api.decide(event())["policy"]["version"] == 1
