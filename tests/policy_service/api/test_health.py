"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, event, read
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


def test_service_is_ready_when_ledger_can_be_written(api: Api) -> None:
    assert read(api.send("GET", "/healthz")) == {"status": "ok"}
    assert read(api.send("GET", "/readyz")) == {"status": "ready"}


def test_service_is_alive_and_not_ready_when_ledger_is_closed(api: Api) -> None:
    """The answer says when to come again, and nothing of how the ledger is kept."""
    api.store.close()
    assert api.send("GET", "/healthz").status_code == 200
    assert code(api.send("GET", "/readyz")) == (503, "storage_unavailable")


def test_requests_are_refused_when_ledger_cannot_be_used(api: Api) -> None:
    api.store.close()
    refused = [
        api.post("/v1/decisions", event(), Role.PLATFORM),
        api.get(f"{ACME}/ledger/entries"),
        api.get(f"{ACME}/policy"),
    ]
    assert {code(answered) for answered in refused} == {(503, "storage_unavailable")}
