"""After the clock jumps back an hour, the log keeps the order, and no event is lost or doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence.ledger_verifier import verify_ledger
from audit.replay.replay import replay_decisions
from tests.policy_service.api_client import document, event, reply

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


def test_decisions_follow_the_log_when_the_clock_jumps_back(api: Api) -> None:
    first_decision = api.decide(event("ev-1"))
    api.clock.move(hours=-1)
    response = api.decide(reply("ev-2", "customer"))
    assert response["reason"] == "contact_details_needed"
    assert response["decided_at"] < first_decision["decided_at"]
    assert response["ledger"]["index"] == first_decision["ledger"]["index"] + 1
    assert api.decide(event("ev-1")) == first_decision
    with api.store.read() as snapshot:
        assert not [finding for report in verify_ledger(snapshot) for finding in report.findings]
        assert not [one for one in replay_decisions(snapshot, "acme") if one.differences]


def test_version_activated_before_the_jump_decides_after_it(api: Api) -> None:
    changed = api.publish(document("Switched off", enabled=False))
    api.clock.move(hours=-1)
    decided = api.decide(event("ev-1"))
    assert (decided["policy"]["version"], decided["reason"]) == (changed, "switched_off")
