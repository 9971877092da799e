"""Whatever is changed is found: hundreds of random changes, of a bundle and of a database."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from audit.entry import Entry
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.evidence.ledger_verifier import verify_log
from audit.log.checkpoint import Checkpoint, verify_checkpoint
from audit.log.merkle import Frontier, hash_leaf
from audit.log.signed_note import VerifierKey, parse_key
from audit.stores.row_codec import COLUMNS, pack_leaf, unpack_leaf
from audit.stores.sqlite.store import LEDGER, SqliteStore
from audit.verification.bundle_format import BadBundleError
from audit.verification.bundle_verifier import verify_bundle
from tests.fakes.logical import altered, changed_bundle, copied
from tests.fakes.tampering import owned
from tests.policy_service.bundles import ORIGIN, exported, filled, key_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger

CHANGES = 300
"""Of each: of a bundle and of a database."""


class Filled(NamedTuple):
    data: Path
    bundle: Path
    keys: list[VerifierKey]
    notes: list[bytes]


@pytest.fixture(scope="module")
def ledger(first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    folder = tmp_path_factory.mktemp("ledger")
    notes = filled(first, folder / "data")
    bundle = exported(folder / "data", folder / "bundle", "--personal")
    with SqliteStore.open(folder / "data") as store:
        notes.append(CheckpointSigner(store, ORIGIN).latest_checkpoint("globex").note)
    with closing(sqlite3.connect(folder / "data" / LEDGER)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Filled(folder / "data", bundle, [parse_key(key_of(folder / "data"))], notes)


def test_verifier_finds_every_change_of_a_bundle(ledger: Filled, tmp_path: Path) -> None:
    """And where an entry was changed alone, it is named."""
    missed: list[tuple[int, Any]] = []
    kinds: Counter[str] = Counter()
    for seed in range(CHANGES):
        bundle = copied(ledger.bundle, tmp_path / "bundle")
        change = changed_bundle(random.Random(seed), bundle, ledger.notes)
        kinds[change.what] += 1
        try:
            verdict = verify_bundle(bundle, ledger.keys, ledger.notes[:2])
        except BadBundleError:
            continue
        named = {each.index for each in verdict.report.findings}
        if not (named or verdict.undetermined_reasons) or change.entry not in {None, *named}:
            missed.append((seed, change))
    assert missed == []
    assert len(kinds) >= 10


def test_honest_bundle_is_sound(ledger: Filled) -> None:
    verdict = verify_bundle(ledger.bundle, ledger.keys, ledger.notes[:2])
    assert (verdict.report.findings, verdict.undetermined_reasons) == ((), ())


ACME = "log = (SELECT id FROM logs WHERE name = 'acme')"


def changed_database(random_: random.Random, data: Path) -> int | None:
    """Change something of the log as its owner can; the entry to be named, if it was one alone."""
    with owned(data) as connection:
        [size] = connection.execute(f"SELECT count(*) FROM entries WHERE {ACME}").fetchone()
        first, second = sorted(random_.sample(range(size), 2))
        match random_.randrange(7):
            case 0:
                _edit(random_, connection, first)
                return first
            case 1:
                _edit(random_, connection, first)
                refit(connection)
            case 2:
                places = ((-1, first), (first, second), (second, -1))
                for now, then in places:
                    _move(connection, then, now)
                refit(connection)
            case 3:
                statement = f"DELETE FROM entries WHERE {ACME} AND idx >= ?"
                connection.execute(statement, (max(first, 3),))
                refit(connection)
            case 4:
                connection.execute(f"DELETE FROM entries WHERE {ACME} AND idx = ?", (first,))
                for index in range(first + 1, size):
                    _move(connection, index, index - 1)
                refit(connection)
            case 5:
                hashed = random_.randbytes(32)
                statement = f"UPDATE entries SET leaf_hash = ? WHERE {ACME} AND idx = ?"
                connection.execute(statement, (hashed, first))
                return first
            case _:
                return _unbesides(random_, connection)
    return None


def _move(connection: sqlite3.Connection, index: int, to: int) -> None:
    connection.execute(f"UPDATE entries SET idx = ? WHERE {ACME} AND idx = ?", (to, index))


def _unbesides(random_: random.Random, connection: sqlite3.Connection) -> int:
    """A personal part gone, or damaged, that no erasure names."""
    rows = connection.execute(
        f"SELECT idx, seq FROM entries JOIN personal ON entry = seq WHERE entries.{ACME}"
    ).fetchall()
    index, seq = random_.choice(rows)
    if random_.random() < 0.5:
        connection.execute("DELETE FROM personal WHERE entry = ?", (seq,))
    else:
        body = random_.randbytes(60)
        connection.execute("UPDATE personal SET body = ? WHERE entry = ?", (body, seq))
    return int(index)


def _edit(random_: random.Random, connection: sqlite3.Connection, index: int) -> None:
    names = ", ".join(COLUMNS)
    where = f"{ACME} AND idx = {index}"
    rest, *columns = connection.execute(
        f"SELECT rest, {names} FROM entries WHERE {where}"
    ).fetchone()
    leaf = unpack_leaf(columns, rest)
    assert leaf
    changed = {**altered(random_, leaf)}
    for needed in ("kind", "at"):
        changed[needed] = leaf[needed]
    if changed == leaf:
        changed["x"] = 1
    values, packed_rest = pack_leaf(changed)
    assignments = ", ".join(f"{name} = ?" for name in ("rest", *COLUMNS))
    connection.execute(f"UPDATE entries SET {assignments} WHERE {where}", (packed_rest, *values))


def refit(connection: sqlite3.Connection) -> None:
    """Make hashes, root, size and frontier those of the leaves that are there now."""
    names = ", ".join(COLUMNS)
    rows = connection.execute(
        f"SELECT seq, rest, {names} FROM entries WHERE {ACME} ORDER BY idx"
    ).fetchall()
    frontier = Frontier()
    for seq, rest, *columns in rows:
        hashed = hash_leaf(Entry("acme", 0, b"", unpack_leaf(columns, rest)).leaf)
        frontier = frontier.append(hashed)
        connection.execute("UPDATE entries SET leaf_hash = ? WHERE seq = ?", (hashed, seq))
    head = (frontier.size, frontier.root(), frontier.encode())
    connection.execute("UPDATE logs SET size = ?, root = ?, frontier = ? WHERE name = 'acme'", head)


def test_verifier_finds_every_change_of_a_database(ledger: Filled, tmp_path: Path) -> None:
    """With the last checkpoint that was signed, even where all was made to fit again."""
    known = _known(ledger)
    missed: list[tuple[int, int | None]] = []
    for seed in range(CHANGES):
        data = tmp_path / "data"
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(ledger.data, data)
        entry = changed_database(random.Random(seed), data)
        with SqliteStore.open(data) as store, store.read() as snapshot:
            named = {
                each.index for each in verify_log(snapshot, "acme", checkpoints=known).findings
            }
        if not named or entry not in {None, *named}:
            missed.append((seed, entry))
    assert missed == []


def test_honest_database_is_sound_and_older_copy_is_found(ledger: Filled) -> None:
    """The files of a while ago are sound in themselves; what was signed since is not in them."""
    with SqliteStore.open(ledger.data) as store, store.read() as snapshot:
        assert verify_log(snapshot, "acme", checkpoints=_known(ledger)).findings == ()
        last = max(_known(ledger), key=lambda each: each.size)
        newer = Checkpoint(last.origin, last.size + 1, last.root)
        [finding] = verify_log(snapshot, "acme", checkpoints=[newer]).findings
        assert "but there are fewer" in finding.message


def _known(ledger: Filled) -> list[Checkpoint]:
    origin = f"{ORIGIN}/acme"
    notes = [*ledger.notes[:2], (ledger.bundle / "checkpoint").read_bytes()]
    return [verify_checkpoint(note, origin, ledger.keys) for note in notes]
