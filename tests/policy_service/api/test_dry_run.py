"""Dry runs: what would be decided, under what is recorded or supposed; nothing is written."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policy_service.access.keys import Role
from rules.model.event import MAX_EVENT_BYTES
from rules.model.vocabulary import Stage
from tests.policy_service.api_client import ACME, decision_path, document, event, read, reply
from tests.policy_service.problems import code, errors, problem

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

PATH = "/v1/decisions/dry-run"


def tried(api: Api, sent: dict[str, Any], role: Role = Role.AUTHOR, **more: Any) -> dict[str, Any]:
    """What would be decided; whatever is asked, nothing may be written."""
    written = api.log_heads()
    answered = api.post(PATH, {"event": sent, **more}, role)
    assert answered.status_code == 200, answered.text
    assert api.log_heads() == written
    return read(answered)


def reason(api: Api, sent: dict[str, Any], **more: Any) -> str:
    told: str = tried(api, sent, **more)["decision"]["reason"]
    return told


@pytest.mark.parametrize("role", [Role.PLATFORM, Role.AUTHOR])
def test_dry_run_has_decision_that_would_be_made(api: Api, role: Role) -> None:
    would = tried(api, event(), role)
    assert list(would) == ["decision", "explanation"]
    decision = api.decide(event())
    assert would["decision"] == {**decision, "decided_at": None, "ledger": None}


def test_dry_run_has_explanation_of_decision(api: Api) -> None:
    would = tried(api, event())["explanation"]
    api.decide(event())
    recorded = read(api.get(f"{decision_path('ev-1')}/explanation"))
    assert list(would) == list(recorded)
    assert would == {
        **recorded,
        "decision": {**recorded["decision"], "decided_at": None, "ledger": None},
    }


def test_dry_run_continues_recorded_conversation(api: Api) -> None:
    api.decide(event())
    assert reason(api, reply("ev-2", "customer")) == "contact_details_needed"
    unclear = event("ev-2", type="contact.replied", message={"text": "What?"})
    assert reason(api, unclear) == "unclear_answer"
    api.decide(unclear)
    assert reason(api, unclear | {"id": "ev-3"}) == "no_clear_answer"


def test_dry_run_uses_version_of_conversation(api: Api) -> None:
    api.decide(event())
    api.publish(document("Off", enabled=False))
    assert tried(api, reply("ev-2", "customer"))["decision"]["policy"]["version"] == 1
    other = tried(api, event("ev-3", conversation={"id": "c-2"}))["decision"]
    assert (other["policy"]["version"], other["reason"]) == (2, "switched_off")
    assert tried(api, event("ev-3"), stage="new")["decision"]["policy"]["version"] == 2


def test_dry_run_uses_language_of_conversation(api: Api) -> None:
    tree = copy.deepcopy(document(languages=["en", "fr"]))
    tree["messages"]["fr"] = {**tree["messages"]["en"], "collect_contact": "Votre adresse ?"}
    api.publish(tree)
    api.decide(event(message={"language": "fr"}))
    [action] = tried(api, reply("ev-2", "customer"))["decision"]["actions"]
    assert action["text"] == "Votre adresse ?"


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("new", "ongoing_conversation"),
        ("awaiting_answer", "contact_details_needed"),
        ("awaiting_contact", "answer_repeated"),
        ("qualifying", "contact_details_needed"),
        ("routed", "already_routed"),
        ("not_routed", "ongoing_conversation"),
    ],
)
def test_dry_run_assumes_stage(shared: Api, stage: str, expected: str) -> None:
    assert reason(shared, reply("ev-2", "customer"), stage=stage) == expected


def test_dry_run_assumes_each_stage(shared: Api) -> None:
    for stage in Stage:
        would = tried(shared, reply("ev-2", "customer"), stage=stage.value)
        assert would["explanation"]["facts"]["conversation.stage"] == stage


def test_dry_run_assumes_number_of_asks(api: Api) -> None:
    unclear = event("ev-2", type="contact.replied", message={"text": "What?"})
    given = {"stage": "awaiting_answer"}
    assert reason(api, unclear, asks=1, **given) == "unclear_answer"
    assert reason(api, unclear, asks=2, **given) == "no_clear_answer"
    api.decide(event())
    assert reason(api, unclear, asks=2) == "no_clear_answer"


def test_dry_run_uses_version_with_any_status(api: Api) -> None:
    api.propose(document("Off", enabled=False))
    would = tried(api, event(), version=2)["decision"]
    assert (would["policy"]["version"], would["reason"]) == (2, "switched_off")
    assert reason(api, event(), version=1) == "anonymous_contact"


@pytest.mark.parametrize("as_text", [False, True], ids=["JSON", "YAML"])
def test_dry_run_uses_document_before_proposal(api: Api, *, as_text: bool) -> None:
    tree = document("Off", enabled=False)
    would = tried(api, event(), document=yaml.safe_dump(tree) if as_text else tree)["decision"]
    assert (would["policy"]["version"], would["reason"]) == (None, "switched_off")
    assert would["policy"]["digest"] == api.propose(tree)["digest"]


def test_dry_run_keeps_null_in_document(api: Api) -> None:
    tree = document(redirect=None)
    assert (
        tried(api, event(), document=tree)["decision"]["policy"]["digest"]
        == (api.propose(tree)["digest"])
    )


def test_dry_run_ignores_null_assumptions(api: Api) -> None:
    nothing: dict[str, Any] = {"stage": None, "asks": None, "version": None, "document": None}
    assert tried(api, event(), **nothing) == tried(api, event())
    sent = event() | {"answer": None, "attributes": None}
    sent["contact"] |= {"email": None}
    assert tried(api, sent) == tried(api, event())


def test_dry_run_refuses_bad_document_like_proposal(shared: Api) -> None:
    tree = {**document(enabled="perhaps", ask_again=-1), "colour": "red"}
    for written in (tree, yaml.safe_dump(tree), "a: [", [tree][0] | {"tests": 1}):
        refused = shared.post(PATH, {"event": event(), "document": written}, Role.AUTHOR)
        proposed = shared.post(f"{ACME}/versions", {"document": written}, Role.AUTHOR)
        assert code(refused) == (422, "invalid_document")
        assert problem(refused) == problem(proposed)


BAD: list[tuple[dict[str, Any], tuple[int, str], list[tuple[str, str]]]] = [
    ({}, (400, "invalid_event"), [("/event", "missing_field")]),
    ({"event": None}, (400, "invalid_event"), [("/event", "wrong_type")]),
    ({"event": []}, (400, "invalid_event"), [("/event", "wrong_type")]),
    (
        {"event": {**event(id=""), "colour": 1}},
        (400, "invalid_event"),
        [("/event/id", "too_short"), ("/event/colour", "unknown_field")],
    ),
    (
        {"event": event(type="contact.replied", message=None)},
        (400, "invalid_event"),
        [("/event/message", "missing_field")],
    ),
    (
        {"event": event(id=None), "stage": "nowhere", "asks": -1, "colour": 1},
        (400, "invalid_request"),
        [
            ("/event/id", "missing_field"),
            ("/stage", "not_allowed"),
            ("/asks", "not_allowed"),
            ("/colour", "unknown_field"),
        ],
    ),
    ({"event": event(), "asks": "1"}, (400, "invalid_request"), [("/asks", "wrong_type")]),
    ({"event": event(), "asks": True}, (400, "invalid_request"), [("/asks", "wrong_type")]),
    ({"event": event(), "stage": 1}, (400, "invalid_request"), [("/stage", "not_allowed")]),
    ({"event": event(), "version": "1"}, (400, "invalid_request"), [("/version", "wrong_type")]),
    ({"event": event(), "version": -1}, (400, "invalid_request"), [("/version", "not_allowed")]),
    ({"event": event(), "document": 7}, (400, "invalid_request"), [("/document", "wrong_type")]),
    (
        {"event": event(), "version": 1, "document": document()},
        (400, "invalid_request"),
        [("/document", "not_allowed")],
    ),
]


@pytest.mark.parametrize(("sent", "expected", "complaints"), BAD)
def test_dry_run_is_refused_when_its_body_is_wrong(
    shared: Api,
    sent: dict[str, Any],
    expected: tuple[int, str],
    complaints: list[tuple[str, str]],
) -> None:
    written = shared.log_heads()
    refused = shared.post(PATH, sent, Role.PLATFORM)
    assert code(refused) == expected
    assert sorted(errors(refused)) == sorted(complaints)
    assert shared.log_heads() == written


def test_dry_run_is_not_found_for_unknown_version(shared: Api) -> None:
    sent = {"event": event(), "version": 9}
    assert code(shared.post(PATH, sent, Role.AUTHOR)) == (404, "not_found")


def test_dry_run_is_not_found_for_event_of_another_workspace(api: Api) -> None:
    _, token = api.new_key(Role.PLATFORM, "globex")
    refused = api.send("POST", PATH, json.dumps({"event": event()}), token)
    assert code(refused) == (404, "not_found")


def test_dry_run_is_refused_when_event_is_too_large(shared: Api) -> None:
    sent = {"event": event(message={"text": "x" * MAX_EVENT_BYTES})}
    assert code(shared.post(PATH, sent, Role.AUTHOR)) == (413, "too_large")


def test_dry_run_is_refused_before_a_too_large_event_is_checked(shared: Api) -> None:
    sent = {"event": {f"colour-{number}": 1 for number in range(MAX_EVENT_BYTES // 8)}}
    refused = shared.post(PATH, sent, Role.AUTHOR)
    assert code(refused) == (413, "too_large")
