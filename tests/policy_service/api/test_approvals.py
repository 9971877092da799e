"""How many keys must approve a version: one, until an owner of the workspace says otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, document, event, read
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

WHY = "Both look"


@pytest.fixture(autouse=True)
def sound(api: Api) -> Iterator[None]:
    """Whatever was required, the verifier agrees with what was let through."""
    yield
    with api.store.read() as view:
        assert [found for report in verify_ledger(view) for found in report.findings] == []


def require(api: Api, count: Any, reason: str = WHY) -> TestResponse:
    body = json.dumps({"count": count, "reason": reason})
    return api.send("PUT", f"{ACME}/approvals", body, api.tokens[Role.OWNER])


def proposed(api: Api, title: str = "Two") -> dict[str, Any]:
    return api.propose(document(title))


def approve(api: Api, version: dict[str, Any], token: str | None = None) -> TestResponse:
    path = f"{ACME}/versions/{version['version']}/approve"
    body = json.dumps({"digest": version["digest"]})
    return api.send("POST", path, body, token or api.tokens[Role.APPROVER])


def status(api: Api, number: int) -> str:
    return str(read(api.get(f"{ACME}/versions/{number}"))["status"])


def deciding(api: Api, identity: str = "ev-1") -> int:
    decided = api.decide(event(identity, conversation={"id": identity}))
    return int(decided["policy"]["version"])


def test_one_approval_is_required_by_default(api: Api) -> None:
    assert read(api.get(f"{ACME}/approvals")) == {"count": 1, "since": None}
    written = api.log_heads()
    assert read(require(api, 1)) == {"count": 1, "since": None}
    assert api.log_heads() == written, "saying what is so already changes nothing"
    api.publish(document("Two"))
    kinds = [entry["kind"] for entry in api.entries()]
    assert "version.approvals" not in kinds


def test_required_approvals_are_an_entry_with_key_and_reason(api: Api) -> None:
    required = read(require(api, 2))
    assert (required["count"], required["since"]["reason"]) == (2, WHY)
    [entry] = api.entries("?kind=version.approvals")
    assert entry["entry"] == {
        "format": 1,
        "kind": "version.approvals",
        "at": required["since"]["at"],
        "workspace": "acme",
        "count": 2,
        "reason": WHY,
        "by": api.keys[Role.OWNER].id,
    }
    assert read(api.get(f"{ACME}/approvals")) == required
    assert read(api.get("/v1/workspaces/globex/approvals"))["count"] == 1


def test_two_approvals_need_two_keys_other_than_the_proposer(api: Api) -> None:
    read(require(api, 2))
    version = proposed(api)
    assert read(approve(api, version))["status"] == "proposed"
    assert code(approve(api, version)) == (409, "already_approved")
    refused = api.step(2, "activate")
    assert code(refused) == (409, "wrong_status")
    assert "it needs 1 more approval" in read(refused)["detail"]
    _, second = api.new_key(Role.APPROVER)
    approved = read(approve(api, version, second))
    assert (approved["status"], len(approved["approvals"])) == ("approved", 2)
    assert read(api.step(2, "activate"))["status"] == "active"
    assert deciding(api) == 2


def test_proposed_version_can_be_activated_when_no_approval_is_required(api: Api) -> None:
    """With a key of each role: the author's may still not activate."""
    read(require(api, 0, "There is one of us"))
    version = proposed(api)
    assert version["status"] == "proposed"
    path = f"{ACME}/versions/2/activate"
    assert code(api.post(path, {}, Role.AUTHOR)) == (403, "role_not_allowed")
    assert read(api.step(2, "activate"))["status"] == "active"
    assert deciding(api) == 2


def test_rejected_or_superseded_version_is_not_activated_when_no_approval_is_required(
    api: Api,
) -> None:
    read(require(api, 0))
    proposed(api)
    proposed(api, "Three")
    assert code(api.step(2, "activate")) == (409, "wrong_status")
    read(api.step(3, "reject", reason="No"))
    assert code(api.step(3, "activate")) == (409, "wrong_status")


def test_raised_number_applies_to_approved_version_before_activation(api: Api) -> None:
    version = proposed(api)
    read(approve(api, version))
    read(require(api, 2))
    assert status(api, 2) == "proposed"
    assert code(api.step(2, "activate", shadow=True)) == (409, "wrong_status")
    read(require(api, 1, "Too slow"))
    assert status(api, 2) == "approved"
    assert read(api.step(2, "activate"))["status"] == "active"


@pytest.mark.parametrize("later", [1, 2, 3])
def test_rollback_needs_no_new_approval(api: Api, later: int) -> None:
    """Not of the built-in version, nor of what was activated when fewer were needed."""
    read(require(api, 0))
    proposed(api)
    read(api.step(2, "activate"))
    read(require(api, later))
    read(api.step(1, "activate"))
    assert read(api.step(2, "activate"))["status"] == "active"


def test_scheduled_activation_is_suspended_when_approvals_are_missing(api: Api) -> None:
    read(approve(api, proposed(api)))
    read(api.step(2, "activate", at="2026-11-22T13:00:00Z"))
    read(require(api, 2))
    api.clock.move(hours=2)
    assert deciding(api) == 1
    [suspended] = api.entries("?kind=version.suspended")
    assert "lacks approvals" in suspended["entry"]["reason"]


@pytest.mark.parametrize("count", [-1, 11, 1.5, "2", True, None])
def test_approvals_are_refused_when_count_is_wrong(api: Api, count: Any) -> None:
    written = api.log_heads()
    assert code(require(api, count)) == (400, "invalid_request")
    assert code(require(api, 2, "")) == (400, "invalid_request")
    assert api.log_heads() == written
