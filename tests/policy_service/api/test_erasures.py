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


def test_an_erasure_is_an_entry_that_names_entries_and_not_the_person(api: Api) -> None:
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


def test_what_is_personal_is_gone_and_nothing_else_changes(api: Api) -> None:
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


def test_another_workspace_s_contact_of_the_same_id_is_another_person(api: Api) -> None:
    api.decide(event("ev-1", workspace={"id": "globex"}))
    assert erase(api)["entries"] == []
    [kept] = api.entries("?contact=ct-1", "globex")
    assert kept["personal"]["part"]["contact"]["id"] == "ct-1"


def test_every_decision_replays_from_its_facts_after_an_erasure(api: Api) -> None:
    talk(api)
    erase(api)
    with api.store.read() as snapshot:
        replayed = summarize_replay(snapshot, "acme")
    assert (replayed.decisions, replayed.identical) == (3, 3)


def test_the_ledger_verifies_after_an_erasure(api: Api) -> None:
    talk(api)
    erase(api)
    hold(api, contact="ct-2")
    assert code(ask(api, "ct-2"))[0] == 409
    with api.store.read() as snapshot:
        assert verify_log(snapshot, "acme").findings == ()
        assert list(snapshot.integrity_errors()) == []


def test_the_id_alone_replays_a_decision_whose_event_was_erased(api: Api) -> None:
    """With another body, too: nothing is left to tell it from."""
    first = api.post("/v1/decisions", event("ev-1"), Role.PLATFORM)
    erase(api)
    written = api.written()
    for body in (event("ev-1"), event("ev-1", message={"text": "Another"})):
        again = api.post("/v1/decisions", body, Role.PLATFORM)
        assert (again.status_code, again.data) == (200, first.data)
        assert again.headers["Idempotency-Replayed"] == "true"
    assert api.written() == written
    assert api.entries("?contact=ct-1") == []


def test_a_process_remembers_nothing_personal(api: Api) -> None:
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


def test_a_conversation_goes_on_after_an_erasure(api: Api) -> None:
    """Its stage and its version stand in leaves; the person is a new one, who can be erased too."""
    talk(api)
    erase(api)
    decided = api.decide(event("ev-4", type="qualification.completed", message=None))
    assert (decided["reason"], decided["stage"]) == ("lead_qualified", "routed")
    assert [each["index"] for each in api.entries("?contact=ct-1")] == [6]
    assert erase(api)["entries"] == [6]


def test_the_explanation_says_what_was_erased_by_which_entry(api: Api) -> None:
    talk(api)
    path = f"{decision_path('ev-1')}/explanation"
    before = read(api.get(path))
    api.clock.move(seconds=5)
    index = erase(api)["ledger"]["index"]
    for role in (Role.AUDITOR, Role.PLATFORM):
        said = read(api.get(path, role))
        assert said == {**before, "erased": {"index": index, "at": "2026-11-22T12:00:05.000Z"}}
    assert "erased" not in read(api.get(f"{decision_path('ev-2')}/explanation"))


def test_an_explanation_names_the_erasure_of_its_own_event(
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


def test_the_story_says_what_was_erased_by_which_entry(api: Api) -> None:
    talk(api)
    path = f"{ACME}/conversations/c-1"
    before = {role: read(api.get(path, role))["items"] for role in (Role.AUDITOR, Role.PLATFORM)}
    erased = erase(api)
    by = {"index": erased["ledger"]["index"], "at": erased["at"]}
    for role, items in before.items():
        hidden = {"personal": None} if role is Role.AUDITOR else {}
        told = read(api.get(path, role))["items"]
        assert told == [{**each, **hidden, "erased": by} for each in items]


def test_one_of_whom_nothing_is_kept_is_erased_all_the_same(api: Api) -> None:
    """That someone asked, and that nothing is left, is on record."""
    assert erase(api, "nobody")["entries"] == []
    talk(api)
    assert erase(api)["entries"] == [3, 5]
    assert erase(api)["entries"] == []
    kinds = [each["kind"] for each in api.entries()]
    assert kinds.count("contact.erased") == 3
    assert kinds[:2] == ["version.proposed", "version.activated"]


def test_an_erasure_under_a_hold_is_refused_and_the_refusal_stays(api: Api) -> None:
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


def test_a_refusal_is_on_disk_when_it_is_answered(api: Api, tmp_path: Path) -> None:
    hold(api)
    assert code(ask(api)) == (409, "under_hold")
    with SqliteStore.open(tmp_path / "data") as store, store.read() as snapshot:
        assert len(snapshot.entries_of_family("acme", "erasure.")) == 1


def test_a_hold_of_the_workspace_keeps_everyone(api: Api) -> None:
    talk(api)
    held = [hold(api), hold(api, contact="ct-2"), hold(api)]
    assert code(ask(api)) == (409, "under_hold")
    [entry] = api.entries("?kind=erasure.refused")
    assert entry["entry"]["holds"] == [held[0], held[2]]


def test_a_hold_keeps_no_other_contact_and_no_other_workspace(api: Api) -> None:
    talk(api)
    hold(api, contact="ct-2")
    api.post("/v1/workspaces/globex/holds", {"reason": "A case"}, Role.AUDITOR)
    assert erase(api)["entries"] == [2, 4]


def test_once_the_last_hold_is_released_all_of_it_can_be_erased(api: Api) -> None:
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
def test_a_request_that_is_none_is_refused(
    api: Api, body: dict[str, Any], complaint: tuple[str, str]
) -> None:
    written = api.written()
    answered = api.post(PATH, body, Role.AUDITOR)
    assert code(answered) == (400, "invalid_request")
    assert complaint in errors(answered)
    assert api.written() == written


def test_the_longest_that_may_be_asked_for_can_be(api: Api) -> None:
    contact = "ä" * 200
    api.decide(event(contact={"id": contact}))
    answered = ask(api, contact, reason="é" * 500)
    assert read(answered)["entries"] == [2]


def test_an_erasure_that_the_ledger_does_not_take_erases_nothing(
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


def test_while_one_process_erases_another_goes_on_deciding(api: Api, tmp_path: Path) -> None:
    """What the other one remembers brings nothing back."""
    with SqliteStore.open(tmp_path / "data", clock=api.clock) as store:
        for number in range(3):
            api.decide(event(f"ev-{number}"))
            with store.read() as snapshot:
                assert snapshot.personal("acme", snapshot.head("acme").size - 1) is not None
            erased = store.transact(
                lambda tx: erasures.erase_contact(tx, "acme", "ct-1", by="system", reason=WHY)
            )
            assert erased.value["entries"] == [2 + 2 * number]
            assert api.entries("?contact=ct-1") == []
            assert all(each["personal"] is None for each in api.entries())
