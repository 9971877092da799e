"""The story of a conversation, over HTTP and at the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from policy_service.access.keys import Role
from tests.policy_service.api.test_lookup import IDS
from tests.policy_service.api_client import document, event, read, reply
from tests.policy_service.command_line import as_json, call, lines
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Api


def path(conversation: str = "c-1", workspace: str = "acme") -> str:
    return f"/v1/workspaces/{workspace}/conversations/{quote(conversation, safe='')}"


def told(api: Api, conversation: str = "c-1", role: Role = Role.AUDITOR) -> list[dict[str, Any]]:
    answered = api.get(path(conversation), role)
    assert answered.status_code == 200, answered.text
    items: list[dict[str, Any]] = read(answered)["items"]
    return items


def test_story_lists_events_of_conversation_in_order(api: Api) -> None:
    decisions = [api.decide(event())]
    api.decide(event("other", conversation={"id": "c-2"}))
    decisions.append(api.decide(reply("ev-2", "customer", occurred_at="2026-11-22T10:01:00Z")))
    story = told(api)
    assert [each["event"] for each in story] == ["ev-1", "ev-2"]
    assert [each["type"] for each in story] == ["conversation.started", "contact.replied"]
    assert [each["occurred_at"] for each in story] == [
        "2026-11-22T10:00:00Z",
        "2026-11-22T10:01:00Z",
    ]
    for each, decision in zip(story, decisions, strict=True):
        assert each["decision"] == decision["id"]
        assert each["index"] == decision["ledger"]["index"]
        assert {"version": each["version"], "digest": each["digest"]} == decision["policy"]
        assert each["actions"] == [
            {**action, "status": "pending"} for action in decision["actions"]
        ]
        for member in ("outcome", "reason", "rule", "stage", "decided_at"):
            assert each[member] == decision[member]


def test_story_names_system_as_author_of_built_in_version(api: Api) -> None:
    api.decide(event())
    [only] = told(api)
    assert only["author"] == {"key": "system", "name": None}
    assert only["approvers"] == []


def test_story_names_author_and_approvers_of_deciding_version(api: Api) -> None:
    """A later version does not change them."""
    api.decide(event())
    api.publish(document("Two"))
    api.decide(reply("ev-2", "customer"))
    api.decide(event("ev-3", conversation={"id": "c-2"}))
    assert [each["version"] for each in told(api)] == [1, 1]
    [only] = told(api, "c-2")
    approver = {"key": api.keys["approver"].id, "name": "of a test"}
    assert only["version"] == 2
    assert only["author"] == {"key": api.keys["author"].id, "name": "of a test"}
    assert only["approvers"] == [{**approver, "at": "2026-11-22T12:00:00.000Z"}]


def test_story_has_personal_data_only_for_auditors(api: Api) -> None:
    api.decide(event())
    [seen] = told(api, role=Role.AUDITOR)
    assert seen["personal"]["part"] == event()
    answered = api.get(path(), Role.PLATFORM)
    assert "Hi there" not in answered.text
    assert "ct-1" not in answered.text
    assert read(answered)["items"] == [{k: v for k, v in seen.items() if k != "personal"}]


@pytest.mark.parametrize("limit", [1, 2, 500])
def test_long_story_comes_in_pages(api: Api, limit: int) -> None:
    for number in range(5):
        api.decide(event(f"ev-{number}"))
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        answered = read(api.get(f"{path()}?limit={limit}{after}"))
        found += answered["items"]
        if answered["next"] is None:
            break
        after = f"&after={answered['next']}"
    assert found == told(api)
    assert [each["event"] for each in found] == [f"ev-{number}" for number in range(5)]
    assert read(api.get(f"{path()}?after={found[-1]['index']}")) == {"items": [], "next": None}


def test_story_is_found_by_every_conversation_id(api: Api) -> None:
    for number, identity in enumerate(IDS):
        api.decide(event(f"ev-{number}", conversation={"id": identity}))
    for number, identity in enumerate(IDS):
        assert [each["event"] for each in told(api, identity)] == [f"ev-{number}"]


@pytest.mark.parametrize("identity", ["c-9", "C-1", "c-1/", "c-1 ", "ev-1", "c-1\0"])
def test_story_of_unknown_conversation_is_not_found(api: Api, identity: str) -> None:
    api.decide(event())
    written = api.log_heads()
    assert code(api.get(path(identity))) == (404, "not_found")
    assert code(api.get(path("c-1", "globex"))) == (404, "not_found")
    assert api.log_heads() == written


@pytest.mark.parametrize(
    ("given", "pointer"), [("limit=0", "/limit"), ("after=x", "/after"), ("kind=x", "/kind")]
)
def test_story_refuses_bad_query(shared: Api, given: str, pointer: str) -> None:
    assert [each for each, _ in errors(shared.get(f"{path()}?{given}"))] == [pointer]


# On the terminal.


def test_command_prints_story_as_text(data: Path) -> None:
    said = call("story", "--data", data, "--workspace", "acme", "c-1").stdout.splitlines()
    assert said[:2] == ["Conversation c-1 of acme, 2 events", ""]
    assert said[2] == "2026-11-22T10:00:00Z  conversation.started  ev-1"
    assert said[3] == '  lead ct-1 says "Hi there"'
    assert said[4].startswith("  ask (anonymous_contact), stage awaiting_answer, decided 20")
    assert said[5] == ("  by ask-if-customer of version 1, written by system, approved by nobody")
    assert said[6] == '  - ask "Are you an existing customer?": pending'
    assert "  lead ct-1 answers customer" in said
    assert any(line.startswith("  - collect_contact fields email ") for line in said)


def test_command_prints_story_as_json_with_personal_data(data: Path) -> None:
    items = as_json("story", "--data", data, "--workspace", "acme", "c-2")["items"]
    assert [each["event"] for each in items] == ["ev-3", "ev-4"]
    assert items[0]["personal"]["part"]["id"] == "ev-3"


def test_command_escapes_control_characters_of_story(tmp_path: Path) -> None:
    hostile = event(message={"text": "\x1b]0;mine\x07\x9b31m\u202e"})
    call("decide", "--data", tmp_path, given=lines(hostile))
    said = call("story", "--data", tmp_path, "--workspace", "acme", "c-1").stdout
    assert all(line.isprintable() for line in said.splitlines())
    assert "mine" in said


def test_command_refuses_unknown_conversation_as_wrong_use(data: Path) -> None:
    for workspace, conversation in (("acme", "c-9"), ("nothing", "c-1"), ("system", "c-1")):
        options: list[str | Path] = ["--data", data, "--workspace", workspace, conversation]
        assert "Nothing was decided" in call("story", *options, code=2).stderr
    call("story", "--data", data, "c-1", code=2)
    assert json.loads(call("story", "--data", data, "--workspace", "acme", "c-1", "--json").stdout)
