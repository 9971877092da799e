"""Actions: what is to be carried out is listed, what is said of it is entered once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.access.keys import Role
from policy_service.deliveries import actions
from tests.policy_service.api_client import ACME, document, event, read, reply
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

PATH = f"{ACME}/actions"


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    answered = api.get(f"{PATH}{query}", Role.PLATFORM)
    assert answered.status_code == 200, answered.text
    items: list[dict[str, Any]] = read(answered)["items"]
    return items


def receipt(api: Api, action: str, **body: Any) -> Any:
    return api.post(f"{PATH}/{action}/receipt", body, Role.PLATFORM)


def retry(api: Api, action: str) -> Any:
    return api.post(f"{PATH}/{action}/retry", None, Role.PLATFORM)


def asked(api: Api) -> str:
    """The id of an action that is pending."""
    decided: dict[str, Any] = api.decide(event())
    identity: str = decided["actions"][0]["id"]
    return identity


def kinds(api: Api) -> list[str]:
    with api.store.read() as snapshot:
        return [entry.value["kind"] for entry in snapshot.entries_of_family("acme", "action.")]


def test_new_action_is_pending_with_its_members(api: Api) -> None:
    decided = api.decide(event())
    assert listed(api) == [
        {
            **decided["actions"][0],
            "decision": decided["id"],
            "event": "ev-1",
            "conversation": "c-1",
            "index": decided["ledger"]["index"],
            "status": "pending",
            "status_at": None,
            "status_by": None,
            "detail": None,
        }
    ]


def test_receipt_sets_status_of_action(api: Api) -> None:
    action = asked(api)
    api.clock.move(seconds=5)
    answered = read(receipt(api, action, status="delivered", detail="by push"))
    assert (answered["status"], answered["detail"]) == ("delivered", "by push")
    assert answered["status_at"] == "2026-11-22T12:00:05.000Z"
    assert answered["status_by"] == api.keys["platform"].id
    assert listed(api) == [answered]


def test_same_receipt_twice_is_one_entry(api: Api) -> None:
    action = asked(api)
    first = receipt(api, action, status="delivered")
    again = receipt(api, action, status="delivered", detail="said again")
    assert first.data == again.data
    assert kinds(api) == ["action.delivered"]


def test_failed_action_can_be_retried_and_fail_again(api: Api) -> None:
    action = asked(api)
    assert read(receipt(api, action, status="failed", detail="no channel"))["status"] == "failed"
    assert read(retry(api, action))["status"] == "pending"
    assert read(retry(api, action))["status"] == "pending"
    assert read(receipt(api, action, status="failed"))["status"] == "failed"
    assert kinds(api) == ["action.failed", "action.retried", "action.failed"]


def test_receipt_is_accepted_after_failure_and_refused_after_delivery(api: Api) -> None:
    action = asked(api)
    receipt(api, action, status="failed")
    assert read(receipt(api, action, status="delivered"))["status"] == "delivered"
    written = api.log_heads()
    assert code(receipt(api, action, status="failed")) == (409, "action_settled")
    assert code(retry(api, action)) == (409, "action_settled")
    assert api.log_heads() == written


def test_story_shows_status_of_action(api: Api) -> None:
    action = asked(api)
    receipt(api, action, status="delivered")
    story = read(api.get(f"{ACME}/conversations/c-1"))["items"]
    assert [each["status"] for each in story[0]["actions"]] == ["delivered"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["a", "b", "c"]),
        ("?status=pending", ["a"]),
        ("?status=delivered,failed", ["b", "c"]),
        ("?status=withdrawn", []),
    ],
)
def test_list_of_actions_filters_by_status(api: Api, query: str, found: list[str]) -> None:
    ids = [api.decide(event(name, conversation={"id": name}))["actions"][0]["id"] for name in "abc"]
    receipt(api, ids[1], status="delivered")
    receipt(api, ids[2], status="failed")
    assert [each["event"] for each in listed(api, query)] == found


def ending(identity: str, kind: str, **changes: Any) -> dict[str, Any]:
    """An event after which the bot does nothing more in the conversation."""
    return event(identity, type=kind, message=None, **changes)


def unclear(identity: str) -> dict[str, Any]:
    """A reply after which the bot asks again."""
    return event(identity, type="contact.replied", message={"text": "Hm?", "language": "en"})


ENDINGS = {
    "teammate.joined": "teammate_took_over",
    "conversation.closed": "conversation_closed",
}


@pytest.mark.parametrize(("kind", "reason"), ENDINGS.items())
@pytest.mark.parametrize("way", ["one", "batch"])
def test_pending_and_failed_actions_are_withdrawn_when_bot_is_done(
    api: Api, kind: str, reason: str, way: str
) -> None:
    delivered, pending = api.decide(event()), api.decide(unclear("ev-2"))
    failed = api.decide(reply("ev-3", "customer", contact={"email": "ann@example.com"}))
    elsewhere = api.decide(event("other", conversation={"id": "c-2"}))["actions"][0]["id"]
    receipt(api, delivered["actions"][0]["id"], status="delivered")
    receipt(api, failed["actions"][0]["id"], status="failed", detail="no such team")
    if way == "one":
        assert api.decide(ending("ev-4", kind))["reason"] == reason
    else:
        headers = {"Content-Type": "application/x-ndjson"}
        body = json.dumps(ending("ev-4", kind))
        api.send("POST", "/v1/decisions/batch", body, api.tokens["platform"], **headers)
    open_ids = [each["id"] for decided in (pending, failed) for each in decided["actions"]]
    withdrawn = listed(api, "?status=withdrawn")
    assert [each["id"] for each in withdrawn] == open_ids
    assert {(each["status_by"], each["detail"]) for each in withdrawn} == {("system", reason)}
    assert [each["id"] for each in listed(api, "?status=pending")] == [elsewhere]
    [entry] = api.entries("?kind=decision&conversation=c-1&reason=" + reason)
    entries = api.entries("?kind=action.withdrawn")
    assert [each["index"] for each in entries] == [
        entry["index"] + 1 + place for place in range(len(open_ids))
    ]
    assert entries[0]["at"] == entry["at"]
    story = read(api.get(f"{ACME}/conversations/c-1"))["items"]
    statuses = [each["status"] for told in story for each in told["actions"]]
    assert statuses == ["delivered", *["withdrawn"] * len(open_ids)]
    with api.store.read() as snapshot:
        assert [report.findings for report in verify_ledger(snapshot)] == [(), ()]


def test_withdrawn_action_cannot_be_delivered_or_retried(api: Api) -> None:
    action = asked(api)
    api.decide(ending("ev-2", "conversation.closed"))
    written = api.log_heads()
    for refused in (
        receipt(api, action, status="delivered"),
        receipt(api, action, status="failed"),
        retry(api, action),
    ):
        assert code(refused) == (409, "action_settled")
    api.decide(ending("ev-2", "conversation.closed"))
    assert api.log_heads() == written


def test_second_ending_withdraws_nothing_again(api: Api) -> None:
    asked(api)
    api.decide(ending("ev-2", "teammate.joined"))
    api.decide(ending("ev-3", "conversation.closed"))
    assert kinds(api) == ["action.withdrawn"]


def test_actions_of_the_ending_decision_stay_pending(api: Api) -> None:
    """A document may ask for a tag when the conversation is closed."""
    tree = {**document(), "tests": []}
    for rule in tree["rules"]:
        if rule["reason"] == "conversation_closed":
            rule["actions"] = [{"add_tag": "closed"}]
    api.publish(tree)
    asked(api)
    decided = api.decide(ending("ev-2", "conversation.closed"))
    statuses = {each["type"]: each["status"] for each in listed(api)}
    assert statuses == {"ask": "withdrawn", "add_tag": "pending"}
    assert len(decided["actions"]) == 1


def many(api: Api) -> list[str]:
    """Three conversations that each were asked and then routed, with two actions: their ids."""
    api.decide(event("first"))
    made = []
    for name in "abc":
        changes: dict[str, Any] = {"conversation": {"id": name}}
        made.append(api.decide(event(name, **changes)))
        contact = {"email": "ann@example.com"}
        made.append(api.decide(reply(f"{name}-yes", "customer", contact=contact, **changes)))
    return [action["id"] for decided in made for action in decided["actions"]]


def paged(api: Api, limit: int) -> list[str]:
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        answered = read(api.get(f"{PATH}?status=pending&limit={limit}{after}", Role.PLATFORM))
        assert len(answered["items"]) <= limit
        found += [each["id"] for each in answered["items"]]
        after = f"&after={answered['next']}" if answered["next"] else None
    return found


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
def test_pages_of_actions_hold_each_action_once_in_order(api: Api, limit: int) -> None:
    ids = many(api)
    assert paged(api, limit)[1:] == ids


def test_page_of_actions_continues_after_its_limit_of_decisions(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_DECISIONS_PER_PAGE", 2)
    ids = many(api)
    assert paged(api, 100)[1:] == ids


@pytest.mark.parametrize("action", ["dec-nothing.0", "dec-nothing", "x", "%2F"])
def test_receipt_is_not_found_for_unknown_action(api: Api, action: str) -> None:
    asked(api)
    written = api.log_heads()
    assert code(receipt(api, action, status="delivered")) == (404, "not_found")
    assert code(retry(api, action)) == (404, "not_found")
    assert api.log_heads() == written


def test_receipt_is_not_found_for_action_of_another_workspace(api: Api) -> None:
    action = asked(api)
    answered = api.post(
        f"/v1/workspaces/globex/actions/{action}/receipt", {"status": "failed"}, Role.PLATFORM
    )
    assert code(answered) == (404, "not_found")


def test_receipt_is_not_found_for_unknown_number_in_decision(api: Api) -> None:
    action = asked(api)
    assert code(receipt(api, f"{action}0", status="failed")) == (404, "not_found")
    assert code(receipt(api, action.replace(".0", ".1"), status="failed")) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/status"),
        ({"status": "withdrawn"}, "/status"),
        ({"status": "delivered", "detail": "x" * 501}, "/detail"),
        ({"status": "delivered", "when": "now"}, "/when"),
    ],
)
def test_receipt_is_refused_when_its_body_is_wrong(
    api: Api, body: dict[str, Any], pointer: str
) -> None:
    action = asked(api)
    written = api.log_heads()
    answered = receipt(api, action, **body)
    assert code(answered) == (400, "invalid_request")
    assert [each for each, _ in errors(answered)] == [pointer]
    assert api.log_heads() == written


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("?status=pending,", "/status"),
        ("?status=done", "/status"),
        ("?after=3", "/after"),
        ("?after=3.0.0", "/after"),
        ("?limit=501", "/limit"),
        ("?kind=x", "/kind"),
    ],
)
def test_list_of_actions_is_refused_when_its_query_is_wrong(
    api: Api, query: str, pointer: str
) -> None:
    answered = api.get(f"{PATH}{query}", Role.PLATFORM)
    assert code(answered) == (400, "invalid_request")
    assert [each for each, _ in errors(answered)] == [pointer]
