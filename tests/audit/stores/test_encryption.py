"""Personal parts are sealed: what is in no file cannot leak from one."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from audit.errors import PersonalDataErasedError, StorageUnavailableError
from audit.evidence.ledger_verifier import verify_ledger
from audit.stores.encryption import (
    DecryptionError,
    compute_pseudonym,
    decrypt_personal_data,
    encrypt_personal_data,
)
from audit.stores.files import contact_keys
from audit.stores.files.contact_keys import APPLICATION_ID, KEYS, ContactKeys
from audit.stores.sqlite.store import LEDGER, SqliteStore
from tests.fakes.leaves import decide, first_version, personal

if TYPE_CHECKING:
    from pathlib import Path

KEY, HASH = b"k" * 32, b"h" * 32
PART = personal("ev-1", "ct-é")


def keys_in(data: Path) -> int:
    with closing(sqlite3.connect(data / KEYS)) as connection:
        [count] = connection.execute("SELECT count(*) FROM keys").fetchone()
    return int(count)


def test_encrypted_part_opens_with_its_key_and_entry() -> None:
    body = encrypt_personal_data(KEY, HASH, PART)
    assert decrypt_personal_data(KEY, HASH, body) == PART
    assert encrypt_personal_data(KEY, HASH, PART) != body


@pytest.mark.parametrize(
    ("key", "leaf_hash"), [(b"l" * 32, HASH), (KEY, b"i" * 32)], ids=["key", "entry"]
)
def test_decryption_fails_with_another_key_or_entry(key: bytes, leaf_hash: bytes) -> None:
    with pytest.raises(DecryptionError):
        decrypt_personal_data(key, leaf_hash, encrypt_personal_data(KEY, HASH, PART))


def test_decryption_fails_when_any_bit_is_flipped() -> None:
    body = encrypt_personal_data(KEY, HASH, PART)
    for bit in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(DecryptionError):
            decrypt_personal_data(KEY, HASH, bytes(flipped))


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01" + b"n" * 12, b"\x02" + b"n" * 80])
def test_decryption_refuses_bodies_of_another_format(body: bytes) -> None:
    with pytest.raises(DecryptionError):
        decrypt_personal_data(KEY, HASH, body)


def test_pseudonyms_differ_between_contacts_and_logs() -> None:
    """The fixed vector: what contacts were filed under is found again by any release."""
    known = "3e2784699f24e8f1b1c38b75e4991f0cf66d3836d79104f0ff72e0c77fc23372"
    names = {compute_pseudonym(KEY, log, contact) for log in ("a", "b") for contact in ("x", "y")}
    assert len(names) == 4
    assert compute_pseudonym(KEY, "acme", "ct-1") == known


def test_files_contain_no_personal_data_in_the_clear(tmp_path: Path) -> None:
    """Also while it is written, in the log of what is being written."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1", contact="mallory@example.com"))
        written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    assert f"{LEDGER}-wal" in written
    assert [name for name, body in written.items() if b"mallory" in body] == []


def test_erase_destroys_the_key(tmp_path: Path) -> None:
    """Then what is left of the sealed part, in a copy say, opens for nobody."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
        before = keys_in(tmp_path)
        store.transact(lambda tx: tx.erase("acme", "ct-1"))
        assert keys_in(tmp_path) == before - 1


def test_next_writer_destroys_a_key_that_survived_its_erasure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died between the two files."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
        before = keys_in(tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr(ContactKeys, "destroy", lambda _, __: None)
            store.transact(lambda tx: tx.erase("acme", "ct-1"))
    assert keys_in(tmp_path) == before
    with SqliteStore.open(tmp_path) as store:
        store.transact(decide("ev-2", contact="ct-2"))
        with closing(sqlite3.connect(tmp_path / KEYS)) as connection:
            assert connection.execute("SELECT 1 FROM keys WHERE number = 1").fetchone() is None


def test_key_number_is_never_used_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not to two processes, not after a restart, and not after the last one was destroyed."""
    monkeypatch.setattr(contact_keys, "KEYS_PER_COMMIT", 3)
    ContactKeys.create(tmp_path / KEYS)
    with closing(ContactKeys(tmp_path / KEYS)) as other:
        with closing(ContactKeys(tmp_path / KEYS)) as one:
            taken = [
                one.take_key(),
                other.take_key(),
                one.take_key(),
                one.take_key(),
                one.take_key(),
            ]
            one.destroy([*taken, 9])
        with closing(ContactKeys(tmp_path / KEYS)) as restarted:
            taken += [restarted.take_key(), other.take_key()]
    assert len({*taken}) == len(taken)


def test_key_file_records_its_format_and_migration(tmp_path: Path) -> None:
    ContactKeys.create(tmp_path / KEYS)
    with closing(sqlite3.connect(tmp_path / KEYS)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        names = connection.execute("SELECT migration_set, name FROM _sqlite_migrations").fetchall()
    assert names == [("contact keys", "format 1")]


def test_write_fails_when_the_key_file_is_older_than_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would give out numbers again, also those of the erased, whose keys are destroyed."""
    monkeypatch.setattr(contact_keys, "KEYS_PER_COMMIT", 1)
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1", contact="ct-1"))
        older = (tmp_path / KEYS).read_bytes()
        store.transact(decide("ev-2", contact="ct-2"))
        store.transact(lambda tx: tx.erase("acme", "ct-2"))
    (tmp_path / KEYS).write_bytes(older)
    with SqliteStore.open(tmp_path) as store:
        with pytest.raises(StorageUnavailableError, match="older than the ledger"):
            store.transact(decide("ev-3", contact="ct-3"))
        with store.read() as view:
            assert view.personal("acme", 0) == personal("ev-1", "ct-1")


def test_write_fails_when_the_key_file_is_missing(tmp_path: Path) -> None:
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
    (tmp_path / KEYS).unlink()
    with SqliteStore.open(tmp_path) as store, pytest.raises(StorageUnavailableError):
        store.transact(decide("ev-2"))


def test_erasure_during_a_snapshot_is_not_a_finding(tmp_path: Path) -> None:
    """The entry that says why is not in what it sees."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        store.transact(decide("ev-1"))
    with SqliteStore.open(tmp_path) as reading, SqliteStore.open(tmp_path) as erasing:
        with reading.read() as before:
            erasing.transact(lambda tx: tx.erase("acme", "ct-1"))
            with pytest.raises(PersonalDataErasedError):
                before.personal("acme", 3)
            assert [report.findings for report in verify_ledger(before)] == [()]
        with reading.read() as after:
            assert after.personal("acme", 3) is None


def test_next_commit_destroys_a_key_after_a_failed_destruction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The erasure is on disk and is answered so; its key is not forgotten."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(decide("ev-1"))
        before = keys_in(tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr(ContactKeys, "destroy", fails)
            assert store.transact(lambda tx: tx.erase("acme", "ct-1")) == [0]
        assert keys_in(tmp_path) == before
        store.transact(decide("ev-2", contact="ct-2"))
        assert keys_in(tmp_path) == before - 1


def fails(_: ContactKeys, __: object) -> None:
    raise StorageUnavailableError("the disk is full")
