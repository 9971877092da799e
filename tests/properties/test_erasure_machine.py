"""Random histories with erasures and holds, held against the same model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from audit.stores.contract import EntryFilter
from policy_service.privacy.erasures import enter_erasure, erasure_view, find_erasures
from policy_service.privacy.holds import enter_hold, enter_hold_release, fold_holds
from tests.depth import DEPTH
from tests.properties.ledger_model import HAPPENINGS
from tests.properties.strategies import STEADY
from tests.properties.test_ledger_machine import LedgerMachine, logs, people, picks, sides
from tests.properties.two_services import LOGS, code_of, refused

if TYPE_CHECKING:
    from audit.stores.contract import Snapshot
    from policy_service.policies.workspace_transaction import WorkspaceTransaction

CONTACTS = ("ct-0", "ct-1", "ct-2")
contacts = st.sampled_from(CONTACTS)


class ErasureMachine(LedgerMachine):
    """A state machine that also erases and holds contacts."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, dict[int, str]] = {log: {} for log in LOGS}
        """Whose the personal part beside an entry is."""
        self.erased: dict[str, dict[int, int]] = {log: {} for log in LOGS}
        """By which entry the one beside an entry was erased."""
        self.holds: dict[str, dict[str, tuple[str | None, str]]] = {log: {} for log in LOGS}
        """Active ones by id: of whom, and who set them."""
        self.released: dict[str, dict[str, str]] = {log: {} for log in LOGS}
        """The others, with who had set them."""

    def event(self, log: str, conversation: str, happening: dict[str, Any]) -> dict[str, Any]:
        event = super().event(log, conversation, happening)
        whose = {**event["contact"], "id": CONTACTS[self.told % len(CONTACTS)]}
        return {**event, "contact": whose}

    def expect(self, log: str, event: dict[str, Any], answer: dict[str, Any], body: bytes) -> None:
        super().expect(log, event, answer, body)
        self.kept[log][answer["ledger"]["index"]] = event["contact"]["id"]

    def entered(self, log: str, kind: str) -> int:
        """Expect one more entry of this kind; its index."""
        self.model[log].enter(kind)
        return len(self.model[log].kinds) - 1

    @rule(log=logs, side=sides, pick=picks, other=st.booleans())
    def decide_again(self, log: str, side: int, pick: int, *, other: bool) -> None:
        """Where the event was erased, its id alone replays its decision."""
        model = self.model[log]
        if not model.events:
            self.decide(log, side, "c-1", HAPPENINGS[0], "nothing")
        event = list(model.events.values())[pick % len(model.events)]
        sent = {**event, "contact": {**event["contact"], "name": "Someone"}} if other else event
        index = orjson.loads(model.answers[event["id"]])["ledger"]["index"]
        if other and index in self.kept[log]:
            assert code_of(refused(lambda: self.decision(side, sent))) == "event_id_reused"
        else:
            _, body, replayed = self.decision(side, sent)
            assert (replayed, body) == (True, model.answers[event["id"]])

    @rule(log=logs, side=sides, contact=contacts, by=people)
    def erase(self, log: str, side: int, contact: str, by: str) -> None:
        entry = self.work(log, side, by, lambda tx: enter_erasure(tx, contact, "Asked for"))
        kept = self.kept[log]
        if held := [each for each, (of, _) in self.holds[log].items() if of in (None, contact)]:
            assert entry.index == self.entered(log, "erasure.refused")
            assert entry.value["holds"] == held
            assert code_of(refused(lambda: erasure_view(entry))) == "under_hold"
            kept[entry.index] = contact
            return
        assert entry.index == self.entered(log, "contact.erased")
        gone = [index for index, of in sorted(kept.items()) if of == contact]
        assert erasure_view(entry)["entries"] == gone
        for index in gone:
            del kept[index]
            self.erased[log][index] = entry.index

    @rule(log=logs, side=sides, contact=contacts, by=people)
    def erase_and_fail(self, log: str, side: int, contact: str, by: str) -> None:
        """What an erasure destroyed before its work failed is still there."""

        def work(transaction: WorkspaceTransaction) -> None:
            enter_erasure(transaction, contact, "Asked for")
            enter_hold_release(transaction, "hold-none", "Over")

        assert code_of(refused(lambda: self.work(log, side, by, work))) == "not_found"

    @rule(log=logs, side=sides, contact=st.one_of(contacts, contacts, st.none()), by=people)
    def hold(self, log: str, side: int, contact: str | None, by: str) -> None:
        held = self.work(log, side, by, lambda tx: enter_hold(tx, contact, "A case"))
        assert held.set.index == self.entered(log, "hold.set")
        self.holds[log][held.id] = contact, by
        if contact is not None:
            self.kept[log][held.set.index] = contact

    @rule(log=logs, side=sides, pick=picks, by=people)
    def release(self, log: str, side: int, pick: int, by: str) -> None:
        """An active one, most of the time."""
        active = {identity: by for identity, (_, by) in self.holds[log].items()}
        known = {"hold-none": None, **self.released[log], **active}
        identity = list(known)[-1 - pick % len(known)]
        error = refused(
            lambda: self.work(log, side, by, lambda tx: enter_hold_release(tx, identity, "Over"))
        )
        if identity == "hold-none":
            assert code_of(error) == "not_found"
        elif known[identity] == by:
            assert code_of(error) == "setter_may_not_release"
        elif identity in self.released[log]:
            assert code_of(error) == "hold_released"
        else:
            assert error is None
            self.entered(log, "hold.released")
            self.released[log][identity] = self.holds[log].pop(identity)[1]

    @invariant()
    def both_keep_what_was_not_erased(self) -> None:
        for service in self.sides:
            with service.store.read() as snapshot:
                for log in LOGS:
                    self.is_kept(snapshot, log)

    def is_kept(self, snapshot: Snapshot, log: str) -> None:
        kept, everything = self.kept[log], range(len(self.model[log].kinds))
        beside = {index: snapshot.personal(log, index) for index in everything}
        assert {index: part.contact for index, part in beside.items() if part} == kept
        for contact in CONTACTS:
            found = snapshot.search(log, EntryFilter(contact=contact), None, 1000)
            theirs = [index for index, of in sorted(kept.items()) if of == contact]
            assert [entry.index for entry in found] == theirs
        erased = find_erasures(snapshot, log, everything)
        assert {index: by["index"] for index, by in erased.items()} == self.erased[log]
        holds = fold_holds(snapshot.entries_of_family(log, "hold.")).values()
        assert [hold.id for hold in holds if not hold.released] == list(self.holds[log])


TestErasureHistories = ErasureMachine.TestCase
TestErasureHistories.settings = settings(STEADY, max_examples=12 * DEPTH, stateful_step_count=40)
