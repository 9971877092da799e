"""Use cases of a workspace: the caller's key, the head of entries, and damaged ledgers."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, cast

import pytest

from audit.entry import format_time
from audit.errors import MissingDocumentError
from audit.log.entries import HoldReleased
from audit.projections.versions import Versions
from policy_service.access.keys import Role, enter_revocation
from policy_service.policies.directory import read_directory
from policy_service.policies.guardrails import read_guardrails
from policy_service.policies.policy_cache import load_document
from policy_service.problems import ProblemError
from tests.policy_service.api_client import ACME, read

if TYPE_CHECKING:
    from policy_service.policies.workspace_transaction import WorkspaceTransaction
    from policy_service.services import Services
    from tests.policy_service.api_client import Api


def services_of(api: Api) -> Services:
    return cast("Services", api.client.application.extensions["policy_service"])


def test_use_case_is_refused_when_key_was_revoked_after_authentication(api: Api) -> None:
    key, _ = api.new_key(Role.AUDITOR)
    ledger = services_of(api).workspace_ledger(key, "acme")
    assert ledger.transact(lambda transaction: transaction.by) == key.id
    api.store.transact(lambda tx: enter_revocation(tx, key.id))
    written = api.log_heads()
    with pytest.raises(ProblemError) as caught:
        ledger.transact(lambda transaction: transaction.enter(HoldReleased, hold="h", reason="r"))
    assert caught.value.code == "unauthorized"
    assert api.log_heads() == written


def test_entry_gets_time_workspace_and_key_of_its_transaction(api: Api) -> None:
    def work(transaction: WorkspaceTransaction) -> tuple[str, dict[str, object]]:
        entry = transaction.enter(HoldReleased, hold="hold-1", reason="Over")
        return format_time(transaction.tx.now), dict(entry.value)

    now, leaf = services_of(api).workspace_ledger(None, "acme").transact(work)
    head = {"format": 1, "kind": "hold.released", "at": now, "workspace": "acme", "by": "system"}
    assert leaf == {**head, "hold": "hold-1", "reason": "Over"}


def lose_documents(api: Api) -> None:
    with closing(sqlite3.connect(api.store.folder / "ledger.sqlite3")) as db, db:
        db.execute("PRAGMA writable_schema = on")
        for (trigger,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'documents'"
        ).fetchall():
            db.execute(f"DROP TRIGGER {trigger}")
        db.execute("DELETE FROM documents")


def test_missing_directory_is_an_audit_error_with_a_code(api: Api) -> None:
    read(api.send("PUT", f"{ACME}/directory", '{"teams": ["inbox"]}', api.tokens[Role.OWNER]))
    lose_documents(api)
    with api.store.read() as snapshot, pytest.raises(MissingDocumentError) as caught:
        read_directory(snapshot, "acme")
    assert caught.value.code == "missing_document"


def test_missing_guardrails_and_documents_are_audit_errors(api: Api) -> None:
    with api.store.read() as snapshot:
        with pytest.raises(MissingDocumentError):
            read_guardrails(snapshot, Versions(guardrails="sha256:none"))
        with pytest.raises(MissingDocumentError):
            load_document(snapshot, "sha256:none")


def test_missing_document_is_answered_as_internal_error(api: Api) -> None:
    read(api.send("PUT", f"{ACME}/directory", '{"teams": ["inbox"]}', api.tokens[Role.OWNER]))
    lose_documents(api)
    refused = api.get(f"{ACME}/directory")
    assert (refused.status_code, refused.get_json()["code"]) == (500, "internal_error")
