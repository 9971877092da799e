"""Random histories of a ledger, on the real store, held against a model."""

from __future__ import annotations

import shutil
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from audit.evidence.ledger_verifier import verify_ledger
from audit.projections.action_status import ActionStatus
from audit.replay.replay import summarize_replay
from audit.stores.sqlite.store import SqliteStore
from policy_service.decisions.decide import decide_event, event_key
from policy_service.decisions.record import decision_view
from policy_service.deliveries.actions import enter_receipt, enter_retry, find_action
from policy_service.policies.activation import enter_activation
from policy_service.policies.versions import enter_approval, enter_proposal, enter_rejection
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemCode, ProblemError
from rules.model.event import parse_event
from rules.model.workspace import SYSTEM_LOG
from tests.depth import DEPTH
from tests.properties.ledger_model import (
    HAPPENINGS,
    VARIANTS,
    LogModel,
    VersionModel,
    digest_of,
    naive_root,
)
from tests.properties.strategies import STEADY
from tests.properties.two_services import (
    LOGS,
    TwoServicesMachine,
    checked,
    code_of,
    document,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.projections.versions import VersionRecord
    from audit.stores.contract import Snapshot, Transaction
    from policy_service.services import Services

logs = st.sampled_from(LOGS)
sides = st.integers(0, 1)
people = st.sampled_from(("key-ada", "key-bob"))
conversations = st.sampled_from(("c-1", "c-2", "c-3"))
happenings = st.one_of(st.just(HAPPENINGS[0]), st.sampled_from(HAPPENINGS))
picks = st.integers(0, 200)


class LedgerMachine(TwoServicesMachine):
    """A state machine of everything that the service does to a ledger, in any order."""

    def teardown(self) -> None:
        for service in self.sides:
            service.store.close()
        with SqliteStore.open(self.folder, clock=self.clock) as store, store.read() as snapshot:
            self.sound(snapshot)
        self.open.close()

    def sound(self, snapshot: Snapshot) -> None:
        """The verifier finds nothing, and deciding again decides the same."""
        for each in verify_ledger(snapshot):
            leaves = [entry.leaf for entry in snapshot.entries(each.log)]
            assert each.findings == ()
            assert (each.size, each.root) == (len(leaves), naive_root(leaves))
            replayed = summarize_replay(snapshot, each.log)
            decisions = [leaf for leaf in leaves if orjson.loads(leaf)["kind"] == "decision"]
            assert replayed.decisions == replayed.identical == len(decisions)
        assert list(snapshot.integrity_errors()) == []

    # What happens to versions

    @rule(log=logs, side=sides, by=people, variant=st.integers(0, len(VARIANTS) - 1))
    def propose(self, log: str, side: int, by: str, variant: int) -> None:
        model = self.model[log]
        number = len(model.versions) + 1
        changed, reason = VARIANTS[variant]
        written = document(number, changed)
        proposed = checked(number, variant)
        record = self.step(log, side, by, lambda tx: enter_proposal(tx, proposed, supersede=True))
        assert (record.number, record.digest) == (number, digest_of(written))
        waiting = [each for each in model.versions.values() if each.status == "proposed"]
        for each in waiting:
            each.status = "superseded"
        model.versions[number] = VersionModel(record.digest, reason, by)
        model.enter("version.proposed", *["version.superseded"] * len(waiting))

    @rule(
        log=logs,
        side=sides,
        by=people,
        pick=picks,
        step=st.sampled_from(("approve", "activate", "mistake", "reject")),
    )
    def step_on(self, log: str, side: int, by: str, pick: int, step: str) -> None:
        """A step on one of the newest versions, or on the next one, which is not there."""
        if not any(each.status == "proposed" for each in self.model[log].versions.values()):
            self.propose(log, side, "key-ada", pick % len(VARIANTS))
        number = max(1, len(self.model[log].versions) + 1 - (pick + 1) % 4)
        if step == "activate":
            self.activate(log, side, by, number)
        elif step == "reject":
            self.reject(log, side, by, number)
        else:
            self.approve(log, side, by, number, wrong=step == "mistake")

    def approve(self, log: str, side: int, by: str, number: int, *, wrong: bool) -> None:
        model = self.model[log]
        known = model.versions.get(number)
        digest = digest_of({}) if wrong or known is None else known.digest
        expected = model.refusals_of_approval(number, digest, by)
        if self.took(log, side, by, expected, lambda tx: enter_approval(tx, number, digest)):
            model.versions[number].status = "approved"
            model.enter("version.approved")

    def reject(self, log: str, side: int, by: str, number: int) -> None:
        model = self.model[log]
        expected = model.refusals_of_step(number, "proposed")
        if self.took(log, side, by, expected, lambda tx: enter_rejection(tx, number, "No")):
            model.versions[number].status = "rejected"
            model.enter("version.rejected")

    def activate(self, log: str, side: int, by: str, number: int) -> None:
        """Also a retired one: that is rolling back."""
        model = self.model[log]
        expected = model.refusals_of_step(number, "approved", "retired")
        if self.took(log, side, by, expected, lambda tx: enter_activation(tx, number)):
            model.versions[model.active].status = "retired"
            model.versions[number].status = "active"
            model.enter("version.activated", "version.retired")

    @rule(log=logs, side=sides, variant=st.integers(0, len(VARIANTS) - 1))
    def publish(self, log: str, side: int, variant: int) -> None:
        """The whole way, which single steps seldom go."""
        self.propose(log, side, "key-ada", variant)
        number = len(self.model[log].versions)
        self.approve(log, side, "key-bob", number, wrong=False)
        self.activate(log, 1 - side, "key-ada", number)

    # What happens in conversations

    @rule(
        log=logs,
        side=sides,
        conversation=conversations,
        happening=happenings,
        meanwhile=st.sampled_from(("nothing", "nothing", "another event", "another version")),
    )
    def decide(
        self, log: str, side: int, conversation: str, happening: dict[str, Any], meanwhile: str
    ) -> None:
        """A precomputed decision is valid only while all that it rests on is.

        A reader that looked before sees nothing of it until it looks again.
        """
        event = self.event(log, conversation, happening)
        service = self.sides[side]
        parsed = parse_event(event)
        precomputed = service.precomputer.precompute(
            service.store, service.policies, parsed, event_key(service.store, parsed)
        )
        if meanwhile == "another event":
            self.decide(log, 1 - side, conversation, HAPPENINGS[1], "nothing")
        elif meanwhile == "another version":
            self.publish(log, 1 - side, 1)
        with self.sides[1 - side].store.read() as before:
            answer, body, replayed = self.decision(side, event, precomputed)
            assert before.head(log).size == len(self.model[log].kinds)
            assert before.decision(log, event["id"]) is None
        assert not replayed
        self.expect(log, event, answer, body)

    @rule(log=logs, side=sides, conversation=conversations, count=st.integers(1, 4))
    def decide_many(self, log: str, side: int, conversation: str, count: int) -> None:
        """Each of many at once twice: the second time it is replayed."""
        service = self.sides[side]
        events = [self.event(log, conversation, HAPPENINGS[0]) for _ in range(count)]
        works = [
            partial(decide_event, event, event_key(service.store, event), service.policies)
            for event in map(parse_event, events)
            for _ in range(2)
        ]
        outcomes = service.store.transact_each(works)
        for event, first, second in zip(events, outcomes[::2], outcomes[1::2], strict=True):
            assert not isinstance(first, Exception)
            assert not isinstance(second, Exception)
            assert (first.replayed, second.replayed) == (False, True)
            assert first.entry == second.entry
            view = decision_view(first.entry)
            self.expect(log, event, view, orjson.dumps(view))

    @rule(log=logs, side=sides, pick=picks, other=st.booleans())
    def decide_again(self, log: str, side: int, pick: int, *, other: bool) -> None:
        """The same event gets the same bytes; another event under its id is refused."""
        if not self.model[log].events:
            self.decide(log, side, "c-1", HAPPENINGS[0], "nothing")
        events = list(self.model[log].events.values())
        event = events[pick % len(events)]
        if other:
            changed = {**event, "contact": {**event["contact"], "name": "Someone"}}
            error = refused(lambda: self.decision(side, changed))
            assert code_of(error) == "event_id_reused"
        else:
            _, body, replayed = self.decision(side, event)
            assert replayed
            assert body == self.model[log].answers[event["id"]]

    @rule(log=logs, side=sides, conversation=conversations)
    def fail_after_deciding(self, log: str, side: int, conversation: str) -> None:
        """What a work wrote before it failed is not there."""
        event = parse_event(self.event(log, conversation, HAPPENINGS[0]))
        service = self.sides[side]

        def work(tx: Transaction) -> None:
            transaction = WorkspaceTransaction(tx, service.policies, log, "key-ada")
            enter_proposal(transaction, checked(0, 1), supersede=True)
            decide_event(event, event_key(service.store, event), service.policies, tx)
            raise ProblemError(ProblemCode.INVALID_REQUEST, "On second thoughts")

        error = refused(lambda: service.store.transact(work))
        assert code_of(error) == "invalid_request"

    @rule(
        log=logs, side=sides, pick=picks, status=st.sampled_from(("failed", "delivered", "retried"))
    )
    def receive(self, log: str, side: int, pick: int, status: str) -> None:
        model = self.model[log]
        if not model.actions:
            self.decide(log, side, "c-1", HAPPENINGS[0], "nothing")
        action, was = self.action(log, pick)
        if status == "retried":
            if was == "pending" and pick % 4:
                self.receive(log, side, pick, "failed")
                was = "failed"
            self.retry(log, side, action, was)
            return
        told = ActionStatus(status)
        error = self.received(log, side, lambda tx: enter_receipt(tx, action, told, None))
        if was in ("pending", "failed", status):
            assert error is None
            model.actions[action] = status
            if was != status:
                model.enter(f"action.{status}")
        else:
            assert code_of(error) == ("action_settled" if was else "not_found")

    def retry(self, log: str, side: int, action: str, was: str | None) -> None:
        model = self.model[log]
        error = self.received(log, side, lambda tx: enter_retry(tx, action))
        if was in ("pending", "failed"):
            assert error is None
            model.actions[action] = "pending"
            if was == "failed":
                model.enter("action.retried")
        else:
            assert code_of(error) == ("action_settled" if was else "not_found")

    # What happens around them

    @rule(copied=st.booleans())
    def reopen(self, *, copied: bool) -> None:
        """A copy of the folder while nothing is open is the same ledger."""
        for service in self.sides:
            service.store.close()
        if copied:
            self.folder = shutil.copytree(
                self.folder, self.folder.with_name(f"{self.folder.name}+")
            )
        self.sides = [self.opened(), self.opened()]

    @rule(seconds=st.sampled_from((1, 60, 86_400, -3_600)))
    def pass_time(self, seconds: int) -> None:
        """Backwards, too, as clocks do."""
        self.now += timedelta(seconds=seconds)

    # What holds whenever nothing happens

    @invariant()
    def both_read_what_the_model_says(self) -> None:
        for service in self.sides:
            with service.store.read() as snapshot:
                told = [log for log in snapshot.logs() if log != SYSTEM_LOG]
                assert told == [log for log in LOGS if self.model[log].kinds]
                for log, model in self.model.items():
                    self.is_log(snapshot, log, model)
                    self.is_versions(service, snapshot, log, model)

    def is_log(self, snapshot: Snapshot, log: str, model: LogModel) -> None:
        entries = list(snapshot.entries(log))
        leaves = [entry.leaf for entry in entries]
        assert [entry.index for entry in entries] == list(range(len(model.kinds)))
        assert [orjson.loads(leaf)["kind"] for leaf in leaves] == model.kinds
        assert leaves[: len(model.leaves)] == model.leaves
        model.leaves = leaves
        head = snapshot.head(log)
        assert (head.size, head.root) == (len(leaves), naive_root(leaves))
        assert [entry.leaf_hash for entry in entries] == [naive_root([leaf]) for leaf in leaves]

    def is_versions(self, service: Services, snapshot: Snapshot, log: str, model: LogModel) -> None:
        records = service.policies.versions(snapshot, log).records
        assert {number: (each.digest, each.status.value) for number, each in records.items()} == {
            number: (each.digest, each.status) for number, each in model.versions.items()
        }
        assert service.policies.active_version(snapshot, log).number == model.active
        for identity, status in model.actions.items():
            assert find_action(snapshot, log, identity).state.status.value == status

    def expect(self, log: str, event: dict[str, Any], answer: dict[str, Any], body: bytes) -> None:
        """The decision is by the version that must decide, and says what that one says."""
        model = self.model[log]
        conversation = event["conversation"]["id"]
        number = model.deciding(conversation)
        version = model.versions[number]
        assert answer["policy"] == {"version": number, "digest": version.digest}
        begins = model.stages.get(conversation, "new") == "new"
        if begins and event["type"] == "conversation.started":
            assert answer["reason"] == version.reason
        assert answer["ledger"]["index"] == model.decided(event, answer, body)

    def took(
        self,
        log: str,
        side: int,
        by: str,
        expected: set[str],
        take: Callable[[WorkspaceTransaction], VersionRecord],
    ) -> bool:
        """Whether the step was taken, which it must be where nothing is expected to refuse it."""
        error = refused(lambda: self.step(log, side, by, take))
        assert (code_of(error) in expected) if expected else error is None
        return error is None


TestLedgerHistories = LedgerMachine.TestCase
TestLedgerHistories.settings = settings(STEADY, max_examples=16 * DEPTH, stateful_step_count=40)
