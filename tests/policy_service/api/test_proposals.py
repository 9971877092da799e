"""Proposals over HTTP: each becomes a version, or is refused with every complaint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from policy_service.access.keys import Role
from rules.formats.canonical_json import digest_value
from rules.model import builtin
from tests.policy_service.api.test_versions import BUILTIN_DIGEST, VERSION_MEMBERS
from tests.policy_service.api_client import ACME, document, read
from tests.policy_service.problems import code, errors, problem

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api


def test_proposal_answers_with_version(api: Api) -> None:
    proposed = api.propose(document("Ours"), note="Off for the holidays")
    assert list(proposed)[: len(VERSION_MEMBERS)] == VERSION_MEMBERS
    assert proposed["version"] == 2
    assert proposed["digest"] == digest_value(document("Ours"))
    assert proposed["status"] == "proposed"
    assert (proposed["title"], proposed["note"]) == ("Ours", "Off for the holidays")
    assert proposed["proposed_by"] == api.keys[Role.AUTHOR].id
    assert proposed["proposed_at"] == "2026-11-22T12:00:00.000Z"
    assert proposed["approvals"] == proposed["activations"] == []


def propose(api: Api, tree: Any, **more: Any) -> TestResponse:
    """Propose a document without superseding anything."""
    return api.post(f"{ACME}/versions", {"document": tree, **more}, Role.AUTHOR)


def test_proposal_as_yaml_text_is_same_document(api: Api) -> None:
    as_json = api.propose(document("Ours"))
    as_yaml = propose(api, yaml.safe_dump(document("Ours"), sort_keys=False))
    assert (as_yaml.status_code, read(as_yaml)) == (200, as_json)


@pytest.mark.parametrize("approvals", [0, 1])
def test_same_proposal_again_returns_version_and_writes_nothing(api: Api, approvals: int) -> None:
    proposed = api.propose(document("Ours"), note="Why")
    if approvals:
        proposed = read(api.step(2, "approve", digest=proposed["digest"]))
    written = api.log_heads()
    for more in ({}, {"note": "Another"}, {"supersede": True}):
        again = propose(api, document("Ours"), **more)
        assert (again.status_code, read(again)) == (200, proposed)
    assert api.log_heads() == written


@pytest.mark.parametrize("how", [{}, {"percent": 20}, {"shadow": True}])
def test_proposal_of_active_document_is_refused(api: Api, how: dict[str, Any]) -> None:
    proposed = api.propose(document("Ours"))
    api.step(2, "approve", digest=proposed["digest"])
    assert api.step(2, "activate", **how).status_code == 200
    written = api.log_heads()
    assert code(propose(api, document("Ours"))) == (409, "already_active")
    assert code(propose(api, document("Ours"), supersede=True)) == (409, "already_active")
    assert api.log_heads() == written


def test_printed_built_in_document_is_active_in_new_workspace(api: Api) -> None:
    assert code(propose(api, builtin.load_text())) == (409, "already_active")
    assert builtin_digest(api) == BUILTIN_DIGEST


def builtin_digest(api: Api) -> str:
    digest: str = read(api.get(f"{ACME}/policy"))["digest"]
    return digest


def test_retired_document_can_be_proposed_again(api: Api) -> None:
    api.publish(document("Ours"))
    assert api.step(1, "activate").status_code == 200
    assert read(propose(api, document("Ours")))["version"] == 3


def test_second_proposal_names_open_one_and_its_author(api: Api) -> None:
    api.propose(document("Theirs"))
    written = api.log_heads()
    refused = propose(api, document("Ours"))
    assert code(refused) == (409, "proposal_open")
    detail = problem(refused)["detail"]
    author = api.keys["author"]
    assert f"Version 2, proposed by {author.id} ({author.name}), is still open" in detail
    assert api.log_heads() == written
    superseding = propose(api, document("Ours"), supersede=True)
    assert (superseding.status_code, read(superseding)["version"]) == (201, 3)
    assert read(api.get(f"{ACME}/versions/2"))["status"] == "superseded"


def test_approved_version_does_not_keep_from_proposing(api: Api) -> None:
    proposed = api.propose(document("Theirs"))
    api.step(2, "approve", digest=proposed["digest"])
    assert propose(api, document("Ours")).status_code == 201
    assert read(api.get(f"{ACME}/versions/2"))["status"] == "approved"


@pytest.mark.parametrize("note", [None, "", "x" * 500])
def test_note_is_optional_and_has_at_most_500_characters(api: Api, note: str | None) -> None:
    assert api.propose(document(), note=note)["note"] == note


def test_bad_document_is_refused_with_every_complaint(api: Api) -> None:
    bad = {**document(answer_within="soon", enabled="yes"), "otherwise": {"outcome": "noted"}}
    written = api.log_heads()
    refused = api.post(f"{ACME}/versions", {"document": bad}, Role.AUTHOR)
    assert code(refused) == (422, "invalid_document")
    pointers = [pointer for pointer, _ in errors(refused)]
    assert {"/settings/answer_within", "/settings/enabled", "/otherwise/reason"} <= set(pointers)
    assert all("line" not in error for error in problem(refused)["errors"])
    assert api.log_heads() == written


def test_complaint_about_yaml_names_line(api: Api) -> None:
    text = builtin.load_text().replace("enabled: true", "enabled: perhaps")
    line = text.splitlines().index("  enabled: perhaps") + 1
    refused = api.post(f"{ACME}/versions", {"document": text}, Role.AUTHOR)
    assert ("/settings/enabled", line) in [
        (error["pointer"], error.get("line")) for error in problem(refused)["errors"]
    ]


@pytest.mark.parametrize(
    "text",
    ["", "a: [", "a: &x 1\nb: *x\n", "a: 1\na: 2\n", "!!python/object:os.system {}\n", "- 1\n"],
    ids=["empty", "not YAML", "alias", "duplicate key", "tag", "a list"],
)
def test_yaml_is_refused_when_it_is_not_a_document(api: Api, text: str) -> None:
    written = api.log_heads()
    refused = api.post(f"{ACME}/versions", {"document": text}, Role.AUTHOR)
    assert code(refused) == (422, "invalid_document")
    assert api.log_heads() == written


@pytest.mark.parametrize(
    "members",
    [
        {"settings": {"detect_language": "always"}},
        {"settings": {"office_hours": "always"}},
        {"properties": [{"id": "x", "for_all": {}, "outcome_in": ["noted"]}]},
        {"tests": [{"name": "wrong", "given": {}, "expect": {"reason": "switched_off"}}]},
    ],
    ids=["a wrong type", "office hours", "properties", "a failing test"],
)
def test_document_is_refused_when_a_value_is_wrong(api: Api, members: dict[str, Any]) -> None:
    bad = document()
    settings = {**bad["settings"], **members.get("settings", {})}
    refused = api.post(
        f"{ACME}/versions", {"document": {**bad, **members, "settings": settings}}, Role.AUTHOR
    )
    assert code(refused) == (422, "invalid_document")
