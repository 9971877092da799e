"""Versions over HTTP: proposed, approved, activated, rolled back; nothing ever changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Key, Role
from policy_service.policies.policy_cache import PolicyCache
from policy_service.policies.versions import enter_approval, enter_proposal
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemError
from rules.formats.canonical_json import digest_value
from rules.model import builtin
from rules.model.document import Document
from tests.policy_service.api_client import ACME, document, event, read
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

BUILTIN_DIGEST = digest_value(builtin.load_tree())
VERSION_MEMBERS = [
    "version",
    "digest",
    "status",
    "title",
    "note",
    "proposed_by",
    "proposed_at",
    "approvals",
    "activations",
]


def listed(api: Api, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = read(api.get(f"{ACME}/versions{query}"))["items"]
    return items


def kinds(api: Api) -> list[str]:
    return [entry["kind"] for entry in api.entries()]


# Before the first write.


def test_workspace_has_built_in_document_before_first_write(api: Api) -> None:
    policy = read(api.get(f"{ACME}/policy"))
    assert policy == {"version": 1, "digest": BUILTIN_DIGEST, "document": builtin.load_tree()}


def test_version_1_can_be_read_before_first_write_without_writing(api: Api) -> None:
    written = api.log_heads()
    [one] = listed(api)
    assert (one["version"], one["status"], one["proposed_by"]) == (1, "active", "system")
    alone = read(api.get(f"{ACME}/versions/1"))
    assert alone == {**one, "document": builtin.load_tree()}
    assert api.log_heads() == written


def test_version_1_is_recorded_by_system_with_first_write(api: Api) -> None:
    before = listed(api)[0]
    api.decide(event())
    after = listed(api)[0]
    at = "2026-11-22T12:00:00.000Z"
    activations = [{"by": "system", "at": at, "index": 1}]
    assert after == {**before, "proposed_at": at, "activations": activations}
    assert kinds(api) == ["version.proposed", "version.activated", "decision"]
    assert {entry["entry"]["by"] for entry in api.entries("?version=1&kind=version.proposed")} == {
        "system"
    }


def test_version_1_is_active_before_first_write_and_cannot_be_activated_again(api: Api) -> None:
    """Version 1 is active from the start."""
    assert code(api.step(1, "activate")) == (409, "wrong_status")


# Proposing.


# Approving and rejecting.


def test_approval_names_digest_and_is_recorded(api: Api) -> None:
    proposed = api.propose(document())
    api.clock.move(minutes=1)
    approved = read(api.step(2, "approve", digest=proposed["digest"]))
    by = api.keys[Role.APPROVER].id
    assert approved["status"] == "approved"
    assert approved["approvals"] == [{"by": by, "at": "2026-11-22T12:01:00.000Z", "index": 3}]
    assert api.entries()[3]["entry"]["digest"] == proposed["digest"]


def test_approval_is_refused_for_another_digest(api: Api) -> None:
    api.propose(document())
    written = api.log_heads()
    for wrong in (BUILTIN_DIGEST, "", "sha256:", document()["title"]):
        assert code(api.step(2, "approve", digest=wrong)) == (409, "digest_mismatch")
    assert api.log_heads() == written


def test_approval_is_refused_twice_by_same_key(api: Api) -> None:
    proposed = api.propose(document())
    api.step(2, "approve", digest=proposed["digest"])
    written = api.log_heads()
    assert code(api.step(2, "approve", digest=proposed["digest"])) == (409, "wrong_status")
    assert code(api.step(2, "reject", reason="Too late")) == (409, "wrong_status")
    assert api.log_heads() == written


def test_approval_is_refused_by_key_of_proposer(api: Api) -> None:
    """No key has two roles over HTTP; the use case refuses it whatever the roles."""
    author = api.keys[Role.AUTHOR]
    proposed = api.propose(document())
    path = f"{ACME}/versions/2/approve"
    refused = api.post(path, {"digest": proposed["digest"]}, Role.AUTHOR)
    assert code(refused) == (403, "role_not_allowed")
    with pytest.raises(ProblemError) as caught:
        api.store.transact(
            lambda tx: enter_approval(
                WorkspaceTransaction(tx, PolicyCache(), "acme", author.id), 2, proposed["digest"]
            )
        )
    assert (caught.value.status, caught.value.code) == (403, "proposer_may_not_approve")


def test_rejected_version_has_reason_and_is_never_active(api: Api) -> None:
    proposed = api.propose(document())
    rejected = read(api.step(2, "reject", reason="Not before spring"))
    assert rejected["status"] == "rejected"
    assert rejected["rejected"]["reason"] == "Not before spring"
    written = api.log_heads()
    assert code(api.step(2, "approve", digest=proposed["digest"])) == (409, "wrong_status")
    assert code(api.step(2, "activate")) == (409, "wrong_status")
    assert code(api.step(2, "reject", reason="Again")) == (409, "wrong_status")
    assert api.log_heads() == written


# Activating and rolling back.


def test_activation_retires_active_version(api: Api) -> None:
    assert api.publish(document("Two")) == 2
    assert [version["status"] for version in listed(api)] == ["retired", "active"]
    assert read(api.get(f"{ACME}/policy"))["document"]["title"] == "Two"
    assert kinds(api) == [
        "version.proposed",
        "version.activated",
        "version.proposed",
        "version.approved",
        "version.activated",
        "version.retired",
    ]


def test_older_version_can_be_activated_again(api: Api) -> None:
    api.publish(document("Two"))
    rolled_back = read(api.step(1, "activate"))
    assert (rolled_back["status"], len(rolled_back["activations"])) == ("active", 2)
    assert [version["status"] for version in listed(api)] == ["active", "retired"]
    assert api.decide(event())["policy"]["version"] == 1
    assert read(api.step(2, "activate"))["status"] == "active"


def test_activation_is_refused_without_approval(api: Api) -> None:
    api.propose(document())
    written = api.log_heads()
    assert code(api.step(2, "activate")) == (409, "wrong_status")
    assert api.log_heads() == written


def test_activation_needs_no_body(api: Api) -> None:
    proposed = api.propose(document())
    api.step(2, "approve", digest=proposed["digest"])
    path = f"{ACME}/versions/2/activate"
    answered = api.send("POST", path, token=api.tokens[Role.APPROVER])
    assert read(answered)["status"] == "active"


@pytest.mark.parametrize("number", ["0", "3", "9007199254740993", "9" * 5000])
@pytest.mark.parametrize("step", ["approve", "reject", "activate"])
def test_step_is_not_found_for_unknown_version(api: Api, number: str, step: str) -> None:
    api.propose(document())
    written = api.log_heads()
    body = {"approve": {"digest": BUILTIN_DIGEST}, "reject": {"reason": "No"}, "activate": {}}
    refused = api.post(f"{ACME}/versions/{number}/{step}", body[step], Role.APPROVER)
    assert code(refused) == (404, "not_found")
    assert api.log_heads() == written


def test_step_changes_only_its_workspace(api: Api) -> None:
    api.publish(document("Two"))
    assert code(api.step(2, "activate", workspace="globex")) == (404, "not_found")
    assert read(api.get("/v1/workspaces/globex/policy"))["version"] == 1


# Reading versions.


def test_pages_of_versions_keep_order(api: Api) -> None:
    for number in range(2, 8):
        assert api.propose(document(f"Version {number}"))["version"] == number
    pages = []
    query = "?limit=3"
    while query:
        page = read(api.get(f"{ACME}/versions{query}"))
        pages.append([version["version"] for version in page["items"]])
        query = f"?limit=3&after={page['next']}" if page["next"] else ""
    assert pages == [[1, 2, 3], [4, 5, 6], [7]]
    assert listed(api, "?after=7") == []


def test_list_of_versions_has_no_documents(api: Api) -> None:
    api.publish(document("Two"))
    for version in listed(api):
        alone = read(api.get(f"{ACME}/versions/{version['version']}"))
        assert "document" not in version
        assert {**version, "document": alone["document"]} == alone
        assert digest_value(alone["document"]) == version["digest"]


@pytest.mark.parametrize("role", list(Role))
def test_each_role_reads_policies(api: Api, role: Role) -> None:
    for path in ("policy", "versions", "versions/1"):
        assert api.get(f"{ACME}/{path}", role).status_code == 200


def test_restarted_service_has_versions_of_ledger(api: Api) -> None:
    """Nothing about versions is kept anywhere but in entries."""
    api.publish(document("Two"))
    fresh = PolicyCache()
    with api.store.read() as snapshot:
        assert fresh.active_version(snapshot, "acme").number == 2
    api.store.transact(
        partial(_propose, policies=fresh, by=api.keys[Role.AUTHOR], tree=document("Three"))
    )
    assert [version["version"] for version in listed(api)] == [1, 2, 3]


def _propose(tx: Any, policies: PolicyCache, by: Key, tree: dict[str, Any]) -> None:
    enter_proposal(WorkspaceTransaction(tx, policies, "acme", by.id), Document(tree))
