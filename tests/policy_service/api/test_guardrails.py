"""Guardrails: what compliance asks of every document, proved when it is proposed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.access.keys import Role
from policy_service.policies import guardrails, requirements
from policy_service.policies.policy_cache import PolicyCache
from policy_service.policies.versions import enter_proposal
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from rules.analysis.solver import StepLimitError
from rules.errors import InvalidDocumentError
from rules.model.document import Document
from tests.policy_service.api_client import ACME, document, event, read
from tests.policy_service.bundles import exported, key_of, run
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

ONLY_INBOUND = {
    "id": "only-inbound-is-asked",
    "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
    "outcome_in": ["not_triggered", "noted"],
}
NOBODY = {"id": "nobody-is-asked", "for_all": {}, "outcome_in": ["noted"]}
SWITCHED_ON = {
    "id": "free-plans-are-left-alone",
    "for_all": {"workspace.plan": "free", "event.type": "conversation.started"},
    "outcome_in": ["not_triggered", "noted"],
}
WHY = "Agreed with the works council"


@pytest.fixture(autouse=True)
def sound(api: Api) -> Iterator[None]:
    yield
    with api.store.read() as view:
        assert [found for report in verify_ledger(view) for found in report.findings] == []


def set_to(api: Api, *properties: Any, role: Role = Role.AUDITOR) -> TestResponse:
    body = json.dumps({"properties": properties, "reason": WHY})
    return api.send("PUT", f"{ACME}/guardrails", body, api.tokens[role])


def proposed(api: Api, tree: dict[str, Any]) -> TestResponse:
    return api.post(f"{ACME}/versions", {"document": tree}, Role.AUTHOR)


def without_guard(guard: str) -> dict[str, Any]:
    tree = document("One guard fewer")
    return {**tree, "tests": [], "guards": [each for each in tree["guards"] if each["id"] != guard]}


def test_guardrails_are_empty_by_default(api: Api) -> None:
    nothing: dict[str, Any] = {"properties": [], "digest": None, "since": None}
    assert read(api.get(f"{ACME}/guardrails")) == nothing
    written = api.log_heads()
    assert read(set_to(api)) == nothing
    assert api.log_heads() == written, "setting what is set already changes nothing"


def test_proposal_that_breaks_guardrail_is_refused_with_facts(api: Api) -> None:
    assert set_to(api, ONLY_INBOUND, role=Role.OWNER).status_code == 200
    written = api.log_heads()
    refused = proposed(api, without_guard("not-inbound"))
    assert code(refused) == (422, "invalid_document")
    assert errors(refused) == [("", "guardrail_broken")]
    [error] = read(refused)["errors"]
    assert error["message"].startswith("only-inbound-is-asked does not hold: ")
    assert "conversation.direction" in error["message"]
    assert api.log_heads() == written
    assert proposed(api, without_guard("already-assigned")).status_code == 201


def test_guardrail_is_proved_with_settings_of_proposal(api: Api) -> None:
    assert set_to(api, SWITCHED_ON).status_code == 200
    assert proposed(api, document("Two")).status_code == 201
    free = document("Three", entitled_plans=["free", "pro"])
    assert code(proposed(api, free)) == (422, "invalid_document")


def test_guardrails_are_an_entry_with_key_and_reason(api: Api) -> None:
    told = read(set_to(api, ONLY_INBOUND, SWITCHED_ON))
    assert told["properties"] == [ONLY_INBOUND, SWITCHED_ON]
    assert read(api.get(f"{ACME}/guardrails", Role.PLATFORM)) == told
    [entry] = api.entries("?kind=version.guardrails")
    assert entry["entry"]["digest"] == told["digest"]
    assert (entry["entry"]["reason"], entry["entry"]["by"]) == (WHY, api.keys[Role.AUDITOR].id)
    written = api.log_heads()
    assert read(set_to(api, ONLY_INBOUND, SWITCHED_ON)) == told
    assert api.log_heads() == written
    assert read(api.get("/v1/workspaces/globex/guardrails"))["properties"] == []


def test_guardrails_can_be_removed(api: Api) -> None:
    set_to(api, ONLY_INBOUND)
    assert read(set_to(api))["properties"] == []
    assert proposed(api, without_guard("not-inbound")).status_code == 201


def test_guardrail_can_be_set_when_active_version_breaks_it(api: Api) -> None:
    assert set_to(api, NOBODY).status_code == 200
    assert code(proposed(api, document("Two"))) == (422, "invalid_document")


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ([{"id": "x"}], "/properties/0/for_all"),
        ([{**NOBODY, "for_all": {"nothing": 1}}], "/properties/0/for_all/nothing"),
        ([NOBODY, NOBODY], "/properties/1/id"),
        ([{**NOBODY, "colour": "red"}], "/properties/0/colour"),
    ],
)
def test_guardrails_are_refused_when_they_are_not_properties(
    api: Api, properties: Any, found: str
) -> None:
    written = api.log_heads()
    refused = set_to(api, *properties)
    assert code(refused) == (422, "invalid_document")
    assert found in [pointer for pointer, _ in errors(refused)]
    assert api.log_heads() == written


def test_guardrails_are_checked_in_transaction_of_proposal(api: Api) -> None:
    """Also for a document that was checked before they were set."""
    checked = Document(without_guard("not-inbound"))
    set_to(api, ONLY_INBOUND)
    author = api.keys[Role.AUTHOR]
    with pytest.raises(InvalidDocumentError):
        api.store.transact(
            lambda tx: enter_proposal(
                WorkspaceTransaction(tx, PolicyCache(), "acme", author.id), checked
            )
        )


def test_bundle_holds_guardrails_and_verifier_checks_them(api: Api, tmp_path: Path) -> None:
    told = read(set_to(api, ONLY_INBOUND))
    body = json.dumps({"count": 0, "reason": WHY})
    api.send("PUT", f"{ACME}/approvals", body, api.tokens[Role.OWNER])
    read(proposed(api, document("Two")))
    read(api.step(2, "activate"))
    bundle = exported(api.store.folder, tmp_path / "out")
    (tmp_path / "acme.key").write_text(key_of(api.store.folder))
    given = ("--key", tmp_path / "acme.key")
    ended, said = run(bundle, *given, beside=tmp_path / "empty")
    assert (ended, said["findings"]) == (0, [])
    kept = bundle / "versions" / f"{told['digest'].replace(':', '-')}.json"
    assert json.loads(kept.read_bytes()) == [ONLY_INBOUND]
    kept.unlink()
    ended, said = run(bundle, *given, beside=tmp_path / "empty")
    assert (ended, {found["code"] for found in said["findings"]}) == (1, {"document"})


def test_report_has_result_of_each_guardrail(api: Api) -> None:
    """Those that are set now: the version was proposed before."""
    unknown = {**NOBODY, "id": "by-size", "for_all": {"attributes.size": {"gte": 5}}}
    assert read(api.get(f"{ACME}/versions/1/report"))["guardrails"] == []
    api.propose({**document("Sized"), "facts": {"attributes.size": {"type": "integer"}}})
    api.step(2, "approve", digest=read(api.get(f"{ACME}/versions/2"))["digest"])
    api.step(2, "activate")
    assert set_to(api, ONLY_INBOUND, unknown, NOBODY).status_code == 200
    held, inapplicable, broken = read(api.get(f"{ACME}/versions/1/report"))["guardrails"]
    assert held == {
        "id": ONLY_INBOUND["id"],
        "state": "holds",
        "message": None,
        "example": None,
    }
    assert (inapplicable["id"], inapplicable["state"]) == ("by-size", "inapplicable")
    assert "attributes.size" in inapplicable["message"]
    assert (broken["id"], broken["state"]) == (NOBODY["id"], "broken")
    assert broken["message"].startswith("nobody-is-asked does not hold: ")
    assert broken["example"]["decision"]["outcome"] not in NOBODY["outcome_in"]
    assert [event["type"] for event in broken["example"]["conversation"]]
    states = [each["state"] for each in read(api.get(f"{ACME}/versions/2/report"))["guardrails"]]
    assert states == ["holds", "broken", "broken"]


def test_guardrail_is_undecided_when_proof_is_too_long(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.propose(document("Too hard"))
    set_to(api, ONLY_INBOUND)
    monkeypatch.setattr("rules.analysis.solver.StepBudget.spend", refused)
    [told] = read(api.get(f"{ACME}/versions/2/report"))["guardrails"]
    assert (told["state"], told["example"]) == ("undecided", None)


def refused(_: Any) -> None:
    raise StepLimitError


@pytest.mark.parametrize(
    ("module", "proof"), [(guardrails, "check_proposal"), (requirements, "check_guardrails")]
)
def test_no_snapshot_is_open_during_proof(
    api: Api, monkeypatch: pytest.MonkeyPatch, module: object, proof: str
) -> None:
    """It can take long, and the log of what was written would grow until it is over."""
    busy = []

    def proving(*_: object) -> None:
        api.decide(event("ev-meanwhile"))
        with closing(sqlite3.connect(api.store.folder / "ledger.sqlite3")) as db:
            busy.append(db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0])

    monkeypatch.setattr(module, proof, proving)
    set_to(api, ONLY_INBOUND)
    proposed(api, document())
    assert busy == [0]
