"""Random histories with signed checkpoints and restored backups, held against the model.

Checkpoints signed after the backup are outside the database, so a restore leaves them in place.
Entries that were never signed are lost without a trace; then the ledger is the backup.
"""

from __future__ import annotations

import copy
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from audit.errors import LedgerBehindError
from audit.evidence.backup import back_up
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.evidence.known_checkpoints import KnownCheckpoints
from audit.evidence.ledger_verifier import verify_ledger
from audit.log.signed_note import encode_base64
from audit.stores.files.checkpoint_files import ARCHIVE_FOLDER, CHECKPOINTS, CheckpointFiles
from audit.stores.files.contact_keys import KEYS
from audit.stores.files.signing_key import SIGNING_KEY, read_signing_key
from audit.stores.rollback_detection import MissingEntries, describe_missing_entries
from audit.stores.sqlite.store import LEDGER, SqliteStore
from policy_service.access.keys import EVERY_WORKSPACE, NewKey, Role, enter_key
from policy_service.restore import accept_loss, find_missing
from rules.model.workspace import SYSTEM_LOG
from tests.depth import DEPTH
from tests.properties.ledger_model import HAPPENINGS, naive_root
from tests.properties.strategies import STEADY
from tests.properties.test_erasure_machine import ErasureMachine, contacts
from tests.properties.test_ledger_machine import logs, people, picks, sides
from tests.properties.two_services import code_of, refused

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.contract import Snapshot
    from policy_service.services import Services

ORIGIN = "policy-service.example"
SINCE = (
    *("nothing", "a decision", "a signed decision"),
    *("a signed erasure", "a signed decision and an erasure"),
)
"""What happens after the copy is made, besides all else."""
TOLD = ("model", "kept", "erased", "holds", "released", "system")
"""What a machine says of its ledger, all of which a backup takes back."""


@dataclass
class Backup:
    """A copy of the ledger, and the model at that moment."""

    folder: Path
    told: dict[str, Any]
    leaves: dict[str, list[bytes]]
    erased_since: list[tuple[str, str]] = field(default_factory=list)
    """Log and contact of parts in the copy whose keys were destroyed after it was made."""


class RestoreMachine(ErasureMachine):
    """A state machine that also signs checkpoints, makes backups and restores them."""

    def __init__(self) -> None:
        super().__init__()
        self.backups: list[Backup] = []
        self.keys_of: Backup | None = None
        """The copy whose keys of contacts the ones in use began as, or were copied to, last."""
        self.signed: dict[str, tuple[int, bytes]] = {}
        """Size and root that are kept outside, by log."""
        self.copies = 0
        self.system: list[str] = []
        """The kinds of its entries."""
        self.tokens = [self.token(role) for role in (Role.OWNER, Role.APPROVER)]
        self.signers: dict[int, tuple[Services, CheckpointSigner]] = {}

    def token(self, role: Role) -> str:
        self.system.append("key.created")
        new = NewKey(role, EVERY_WORKSPACE, "of a test")
        return self.sides[0].store.transact(lambda tx: enter_key(tx, new)).token

    def store(self, side: int) -> SqliteStore:
        store = self.sides[side].store
        assert isinstance(store, SqliteStore)
        return store

    def signer(self, side: int) -> CheckpointSigner:
        """The side's, which remembers as long as the side does."""
        service = self.sides[side]
        known = self.signers.get(side)
        if known is None or known[0] is not service:
            known = self.signers[side] = service, CheckpointSigner(self.store(side), ORIGIN)
        return known[1]

    def sizes(self) -> dict[str, int]:
        grown = {log: len(model.kinds) for log, model in self.model.items() if model.kinds}
        return {**grown, SYSTEM_LOG: len(self.system)}

    def leaves(self) -> dict[str, list[bytes]]:
        with self.sides[0].store.read() as snapshot:
            return {log: [e.leaf for e in snapshot.entries(log)] for log in self.sizes()}

    @rule(log=logs, side=sides, contact=contacts, by=people)
    def erase(self, log: str, side: int, contact: str, by: str) -> None:
        before = contact in self.kept[log].values()
        super().erase(log, side, contact, by)
        if before and contact not in self.kept[log].values():
            self.key_destroyed(log, contact)

    def key_destroyed(self, log: str, contact: str) -> None:
        if self.keys_of and contact in self.keys_of.told["kept"][log].values():
            self.keys_of.erased_since.append((log, contact))

    # What happens

    @rule(side=sides)
    def sign(self, side: int) -> None:
        """Every log that grew since it was signed last gets one, entered in `system`."""
        due = [log for log, size in self.sizes().items() if self.signed.get(log, (0,))[0] != size]
        assert self.signer(side).sign_due() == {}
        self.system += ["checkpoint"] * len([log for log in due if log != SYSTEM_LOG])
        for log, leaves in self.leaves().items():
            self.signed[log] = len(leaves), naive_root(leaves)

    @rule()
    def back_up(self) -> None:
        """While both sides have it open."""
        self.copies += 1
        to = self.folder.with_name(f"backup-{self.copies}")
        to.mkdir()
        copied = back_up(self.folder, to)
        leaves = self.leaves()
        assert {each.log: (each.size, each.root, each.problem) for each in copied} == {
            log: (len(of), naive_root(of), None) for log, of in leaves.items()
        }
        told = {name: copy.deepcopy(getattr(self, name)) for name in TOLD}
        self.keys_of = Backup(to, told, leaves)
        self.backups.append(self.keys_of)

    @rule(
        log=logs,
        side=sides,
        contact=contacts,
        since=st.sampled_from(SINCE),
        pick=picks,
        with_keys=st.booleans(),
    )
    def restore(  # noqa: PLR0913 - what was lost, and what is put back
        self, log: str, side: int, contact: str, since: str, pick: int, *, with_keys: bool
    ) -> None:
        """Without the copy's keys of contacts, those who were erased since stay erased."""
        if not self.backups:
            self.back_up()
        if "decision" in since:
            self.decide(log, side, "c-1", HAPPENINGS[0], "nothing")
        if "erasure" in since:
            self.release_all(log, side)
            in_the_copy = self.backups[-1].told["kept"][log].values()
            self.erase(log, side, next(iter(in_the_copy), contact), "key-bob")
        if "signed" in since:
            self.sign(side)
        backup = self.backups[-1 - min(pick % 4, len(self.backups) - 1)]
        needed = any(backup.told["holds"].values()) or backup is not self.keys_of
        self.put_back(backup, with_keys=with_keys or needed)
        losses = self.lost(backup)
        assert find_missing(self.store(side)) == losses
        self.both_read_what_the_model_says()
        if losses:
            self.may_only_be_read(losses, log)
            self.accept(losses)
        for where, who in backup.erased_since:
            if who in self.kept[where].values():
                self.erase(where, side, who, "key-ada")
        assert find_missing(self.store(side)) == []
        self.decide(log, side, "c-2", HAPPENINGS[0], "nothing")

    def release_all(self, log: str, side: int) -> None:
        while self.holds[log]:
            *_, (_, setter) = self.holds[log].values()
            self.release(log, side, 0, "key-bob" if setter == "key-ada" else "key-ada")

    def put_back(self, backup: Backup, *, with_keys: bool) -> None:
        for service in self.sides:
            service.store.close()
        for name in (LEDGER, KEYS) if with_keys else (LEDGER,):
            for path in self.folder.glob(f"{name}*"):
                path.unlink()
            shutil.copy(backup.folder / name, self.folder / name)
        if with_keys:
            backup.erased_since.clear()
            self.keys_of = backup
        for name, value in copy.deepcopy(backup.told).items():
            setattr(self, name, value)
        self.sides = [self.opened(), self.opened()]

    def lost(self, backup: Backup) -> list[MissingEntries]:
        """By the model: what was signed and is not how the copy's log begins."""
        return [
            MissingEntries(log, size, root, len(leaves))
            for log, (size, root) in sorted(self.signed.items())
            if len(leaves := backup.leaves.get(log, [])) < size or naive_root(leaves[:size]) != root
        ]

    def may_only_be_read(self, losses: list[MissingEntries], log: str) -> None:
        """No write passes and nothing is signed, on either side."""
        notes = self.notes()
        event = self.event(log, "c-1", HAPPENINGS[0])
        for side in (0, 1):
            with pytest.raises(LedgerBehindError) as behind:
                self.decision(side, event)
            assert str(behind.value) == describe_missing_entries(losses)
            self.signs_nothing(side)
        for tokens in ([], self.tokens[:1], [self.tokens[0]] * 2, [*self.tokens, self.tokens[0]]):
            assert code_of(refused(lambda: self.accepted(tokens))) == "role_not_allowed"  # noqa: B023
        assert code_of(refused(lambda: self.accepted(["key-1.x", "key-2.y"]))) == "unauthorized"
        assert self.notes() == notes
        self.both_read_what_the_model_says()
        self.system_is_what_was_entered()

    def signs_nothing(self, side: int) -> None:
        checkpoints = self.signer(side)
        kept = {log: len(of) for log, of in self.leaves().items()}
        if any(self.signed.get(log, (0,))[0] != size for log, size in kept.items()):
            with pytest.raises(LedgerBehindError):
                checkpoints.sign_due()

    def notes(self) -> dict[str, bytes]:
        kept = CheckpointFiles(self.folder / CHECKPOINTS)
        return {log: note.note for log in kept.logs() if (note := kept.newest(log))}

    def accepted(self, tokens: list[str]) -> list[MissingEntries]:
        with SqliteStore.open(self.folder, clock=self.clock, accept_loss=True) as store:
            return accept_loss(store, tokens)

    def accept(self, losses: list[MissingEntries]) -> None:
        """It is entered in `system`; the notes are set aside, and both sides go on."""
        assert self.accepted(self.tokens) == losses
        self.system.append("ledger.restored")
        with self.sides[0].store.read() as snapshot:
            [*_, entry] = snapshot.entries(SYSTEM_LOG)
            assert entry.value["lost"] == [
                {
                    "log": e.log,
                    "size": e.size,
                    "root": encode_base64(e.root),
                    "there": e.actual_size,
                }
                for e in losses
            ]
        for each in losses:
            del self.signed[each.log]
            assert (
                self.folder / CHECKPOINTS / ARCHIVE_FOLDER / f"{each.log}.{each.size}"
            ).is_file()

    def teardown(self) -> None:
        """Every history ends with a copy put back, and with what was lost of it."""
        since = SINCE[self.told % len(SINCE)]
        self.restore("acme", 0, "ct-0", since, self.told // 5, with_keys=self.told % 2 == 0)
        super().teardown()

    # What holds

    @invariant()
    def system_is_what_was_entered(self) -> None:
        for service in self.sides:
            with service.store.read() as snapshot:
                entries = list(snapshot.entries(SYSTEM_LOG))
            assert [entry.value["kind"] for entry in entries] == self.system

    @invariant()
    def what_is_kept_outside_is_what_was_signed(self) -> None:
        kept = CheckpointFiles(self.folder / CHECKPOINTS)
        said = {log: note.checkpoint for log in kept.logs() if (note := kept.newest(log))}
        assert {log: (each.size, each.root) for log, each in said.items()} == self.signed

    def sound(self, snapshot: Snapshot) -> None:
        """And every checkpoint there is, in `system` or outside, is of the log as it went on."""
        super().sound(snapshot)
        folder = self.folder
        signed = KnownCheckpoints(read_signing_key(folder / SIGNING_KEY).verifier)
        signed.add_entries(snapshot)
        signed.add_stored(CheckpointFiles(folder / CHECKPOINTS))
        for report in verify_ledger(snapshot, known_checkpoints=signed):
            assert report.findings == ()


TestRestoreHistories = RestoreMachine.TestCase
TestRestoreHistories.settings = settings(STEADY, max_examples=6 * DEPTH, stateful_step_count=40)
