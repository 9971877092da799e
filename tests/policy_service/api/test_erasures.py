"""Erasing a person: what is personal is gone for good, what was decided stays and can be proved."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import PersonalData
from audit.errors import StorageUnavailableError
from audit.evidence.ledger_verifier import verify_log
from audit.replay.replay import summarize_replay
from audit.stores.sqlite.store import SqliteStore
from policy_service.access.keys import Role
from policy_service.privacy import erasures
from policy_service.services import Services
from tests.policy_service.api_client import ACME, decision_path, event, read, reply
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

PATH = f"{ACME}/erasures"
HOLDS = f"{ACME}/holds"
WHY = "Asked for by the person"


def ask(api: Api, contact: str = "ct-1", **more: Any) -> TestResponse:
    return api.post(PATH, {"contact": contact, "reason": WHY, **more}, Role.AUDITOR)


def erase(api: Api, contact: str = "ct-1") -> dict[str, Any]:
    answered = ask(api, contact)
    assert answered.status_code == 201, answered.text
    return read(answered)


def hold(api: Api, **body: Any) -> str:
    answered = api.post(HOLDS, {"reason": "A case", **body}, Role.AUDITOR)
    assert answered.status_code == 201, answered.text
    identity: str = read(answered)["id"]
    return identity


def talk(api: Api) -> list[dict[str, Any]]:
    """Two decisions on ct-1 around one on ct-2."""
    return [
        api.decide(event("ev-1")),
        api.decide(event("ev-2", conversation={"id": "c-2"}, contact={"id": "ct-2"})),
        api.decide(reply("ev-3", "not_customer")),
    ]


def test_erasure_entry_names_entries_and_not_contact(api: Api) -> None:
    talk(api)
    api.clock.move(seconds=5)
    erased = erase(api)
    [entry] = api.entries("?kind=contact.erased")
    assert entry["entry"] == {
        "format": 1,
        "kind": "contact.erased",
        "at": "2026-11-22T12:00:05.000Z",
        "workspace": "acme",
        "by": api.keys["auditor"].id,
        "reason": WHY,
        "entries": [2, 4],
    }
    assert erased == {
        **{name: entry["entry"][name] for name in ("entries", "reason", "by", "at")},
        "ledger": {"log": "acme", "index": entry["index"], "leaf_hash": entry["leaf_hash"]},
    }


def test_erasure_destroys_personal_data_and_changes_nothing_else(api: Api) -> None:
    talk(api)
    before = api.entries()
    erase(api)
    after = api.entries()[: len(before)]
    assert [each["personal"] is None for each in after] == [True, True, True, False, True]
    assert [{**each, "personal": None} for each in before] == [
        {**each, "personal": None} for each in after
    ]
    assert api.entries("?contact=ct-1") == []
    assert [each["entry"]["event"] for each in api.entries("?contact=ct-2")] == ["ev-2"]


def test_erasure_keeps_same_contact_id_of_another_workspace(api: Api) -> None:
    api.decide(event("ev-1", workspace={"id": "globex"}))
    assert erase(api)["entries"] == []
    [kept] = api.entries("?contact=ct-1", "globex")
    assert kept["personal"]["part"]["contact"]["id"] == "ct-1"


def test_decisions_replay_from_facts_after_erasure(api: Api) -> None:
    talk(api)
    erase(api)
    with api.store.read() as snapshot:
        replayed = summarize_replay(snapshot, "acme")
    assert (replayed.decisions, replayed.identical) == (3, 3)


def test_ledger_verifies_after_erasure(api: Api) -> None:
    talk(api)
    erase(api)
    hold(api, contact="ct-2")
    assert code(ask(api, "ct-2"))[0] == 409
    with api.store.read() as snapshot:
        assert verify_log(snapshot, "acme").findings == ()
        assert list(snapshot.integrity_errors()) == []


def test_event_id_alone_gets_decision_after_erasure(api: Api) -> None:
    """With another body, too: nothing is left to tell it from."""
    first = api.post("/v1/decisions", event("ev-1"), Role.PLATFORM)
    erase(api)
    written = api.log_heads()
    for body in (event("ev-1"), event("ev-1", message={"text": "Another"})):
        again = api.post("/v1/decisions", body, Role.PLATFORM)
        assert (again.status_code, again.data) == (200, first.data)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert api.log_heads() == written
    assert api.entries("?contact=ct-1") == []


def test_process_keeps_no_personal_data_after_erasure(api: Api) -> None:
    """Of what it decided it remembers leaves: nothing is left for an erasure to miss."""
    decided = api.decide(event(contact={"id": "ct-remembered"}))
    with api.store.read() as snapshot:
        assert snapshot.personal("acme", decided["ledger"]["index"]) is not None
    gc.collect()
    alive = [each for each in gc.get_objects() if isinstance(each, PersonalData | dict | tuple)]
    assert [each for each in alive if _holds(each, "ct-remembered")] == []


def _holds(alive: PersonalData | dict[Any, Any] | tuple[Any, ...], text: str) -> bool:
    if isinstance(alive, PersonalData):
        return alive.contact == text
    values = alive.values() if isinstance(alive, dict) else alive
    return any(type(each) is str and each == text for each in list(values))


def test_conversation_continues_after_erasure(api: Api) -> None:
    """Its stage and its version stand in leaves; the person is a new one, who can be erased too."""
    talk(api)
    erase(api)
    decided = api.decide(event("ev-4", type="qualification.completed", message=None))
    assert (decided["reason"], decided["stage"]) == ("lead_qualified", "routed")
    assert [each["index"] for each in api.entries("?contact=ct-1")] == [6]
    assert erase(api)["entries"] == [6]


def test_explanation_names_entry_of_erasure(api: Api) -> None:
    talk(api)
    path = f"{decision_path('ev-1')}/explanation"
    before = read(api.get(path))
    api.clock.move(seconds=5)
    index = erase(api)["ledger"]["index"]
    for role in (Role.AUDITOR, Role.PLATFORM):
        said = read(api.get(path, role))
        assert said == {**before, "erased": {"index": index, "at": "2026-11-22T12:00:05.000Z"}}
    assert "erased" not in read(api.get(f"{decision_path('ev-2')}/explanation"))


def test_explanation_names_erasure_of_its_own_event(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not one before it, not another's, however many there are."""
    monkeypatch.setattr(erasures, "_BATCH_SIZE", 2)
    erase(api)
    api.decide(event("ev-1"))
    for number in range(5):
        erase(api, f"ct-none-{number}")
    index = erase(api)["ledger"]["index"]
    erase(api)
    said = read(api.get(f"{decision_path('ev-1')}/explanation"))
    assert said["erased"]["index"] == index


def test_story_names_entry_of_erasure(api: Api) -> None:
    talk(api)
    path = f"{ACME}/conversations/c-1"
    before = {role: read(api.get(path, role))["items"] for role in (Role.AUDITOR, Role.PLATFORM)}
    erased = erase(api)
    by = {"index": erased["ledger"]["index"], "at": erased["at"]}
    for role, items in before.items():
        hidden = {"personal": None} if role is Role.AUDITOR else {}
        told = read(api.get(path, role))["items"]
        assert told == [{**each, **hidden, "erased": by} for each in items]


def test_erasure_is_recorded_for_unknown_contact(api: Api) -> None:
    """That someone asked, and that nothing is left, is on record."""
    assert erase(api, "nobody")["entries"] == []
    talk(api)
    assert erase(api)["entries"] == [3, 5]
    assert erase(api)["entries"] == []
    kinds = [each["kind"] for each in api.entries()]
    assert kinds.count("contact.erased") == 3
    assert kinds[:2] == ["version.proposed", "version.activated"]


def test_erasure_under_hold_is_refused_and_recorded(api: Api) -> None:
    talk(api)
    held = hold(api, contact="ct-1")
    api.clock.move(seconds=5)
    answered = ask(api)
    assert code(answered) == (409, "under_hold")
    assert held in read(answered)["detail"]
    [entry] = api.entries("?kind=erasure.refused")
    personal = entry["personal"]
    assert personal["part"] == {"contact": "ct-1"}
    commitment = entry["entry"].pop("commitment")
    assert commitment
    assert entry["entry"] == {
        "format": 1,
        "kind": "erasure.refused",
        "at": "2026-11-22T12:00:05.000Z",
        "workspace": "acme",
        "by": api.keys["auditor"].id,
        "reason": WHY,
        "holds": [held],
    }
    assert len(api.entries("?contact=ct-1")) == 4
    assert api.entries("?kind=contact.erased") == []


def test_refused_erasure_is_on_disk_before_answer(api: Api, tmp_path: Path) -> None:
    hold(api)
    assert code(ask(api)) == (409, "under_hold")
    with SqliteStore.open(tmp_path / "data") as store, store.read() as snapshot:
        assert len(snapshot.entries_of_family("acme", "erasure.")) == 1


def test_hold_of_workspace_refuses_every_erasure(api: Api) -> None:
    talk(api)
    held = [hold(api), hold(api, contact="ct-2"), hold(api)]
    assert code(ask(api)) == (409, "under_hold")
    [entry] = api.entries("?kind=erasure.refused")
    assert entry["entry"]["holds"] == [held[0], held[2]]


def test_hold_allows_erasure_of_other_contact_and_workspace(api: Api) -> None:
    talk(api)
    hold(api, contact="ct-2")
    api.post("/v1/workspaces/globex/holds", {"reason": "A case"}, Role.AUDITOR)
    assert erase(api)["entries"] == [2, 4]


def test_erasure_is_complete_after_last_hold_is_released(api: Api) -> None:
    """What the hold and the refusals said of the person included."""
    talk(api)
    held = [hold(api, contact="ct-1"), hold(api, contact="ct-1")]
    _, other = api.new_key(Role.AUDITOR)
    for each in held:
        assert code(ask(api)) == (409, "under_hold")
        released = api.send("POST", f"{HOLDS}/{each}/release", b'{"reason": "Over"}', other)
        assert released.status_code == 200
    assert erase(api)["entries"] == [2, 4, 5, 6, 7, 9]
    assert [each["contact"] for each in read(api.get(HOLDS))["items"]] == [None, None]


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({}, ("/contact", "missing_field")),
        ({"reason": WHY}, ("/contact", "missing_field")),
        ({"contact": "ct-1"}, ("/reason", "missing_field")),
        ({"contact": "ct-1", "reason": None}, ("/reason", "wrong_type")),
        ({"contact": "ct-1", "reason": ""}, ("/reason", "too_short")),
        ({"contact": "ct-1", "reason": "x" * 501}, ("/reason", "too_long")),
        ({"contact": "", "reason": WHY}, ("/contact", "too_short")),
        ({"contact": "x" * 201, "reason": WHY}, ("/contact", "too_long")),
        ({"contact": 1, "reason": WHY}, ("/contact", "wrong_type")),
        ({"contact": "ct-1", "reason": WHY, "why": 1}, ("/why", "unknown_field")),
    ],
)
def test_erasure_is_refused_when_its_body_is_wrong(
    api: Api, body: dict[str, Any], complaint: tuple[str, str]
) -> None:
    written = api.log_heads()
    answered = api.post(PATH, body, Role.AUDITOR)
    assert code(answered) == (400, "invalid_request")
    assert complaint in errors(answered)
    assert api.log_heads() == written


def test_erasure_is_accepted_with_longest_members(api: Api) -> None:
    contact = "ä" * 200
    api.decide(event(contact={"id": contact}))
    answered = ask(api, contact, reason="é" * 500)
    assert read(answered)["entries"] == [2]


def test_erasure_destroys_nothing_when_storage_fails(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(api)
    before = api.entries()

    def full(*_: object, **__: object) -> None:
        raise StorageUnavailableError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("audit.stores.sqlite.writer.SqliteCommit.commit", full)
        assert code(ask(api)) == (503, "storage_unavailable")
    assert api.entries() == before


def test_other_process_decides_during_erasure(api: Api, tmp_path: Path) -> None:
    """What the other one remembers brings nothing back."""
    with SqliteStore.open(tmp_path / "data", clock=api.clock) as store:
        for number in range(3):
            api.decide(event(f"ev-{number}"))
            with store.read() as snapshot:
                assert snapshot.personal("acme", snapshot.head("acme").size - 1) is not None
            ledger = Services(store).workspace_ledger(None, "acme")
            erasure = erasures.erase_contact(ledger, "ct-1", WHY)
            assert erasure["entries"] == [2 + 2 * number]
            assert api.entries("?contact=ct-1") == []
            assert all(each["personal"] is None for each in api.entries())
