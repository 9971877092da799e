"""A restored copy that lacks signed entries is read-only until two keys accept the loss."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.checkpoint import parse_checkpoint
from audit.log.signed_note import parse_note
from audit.stores.files.contact_keys import KEYS
from audit.stores.sqlite.store import LEDGER, SqliteStore
from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, Api, event, open_api, read
from tests.policy_service.command_line import as_json, call, lines
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger

CHECKPOINT = f"{ACME}/ledger/checkpoint"


def copy_database(api: Api, to: Path) -> None:
    """Copy the database as it is now, without the files next to it."""
    to.mkdir()
    for name in (LEDGER, KEYS):
        source, target = sqlite3.connect(api.store.folder / name), sqlite3.connect(to / name)
        source.backup(target)
        source.close()
        target.close()


def roll_back(data: Path, copy: Path) -> None:
    for path in data.glob(f"{LEDGER}*"):
        path.unlink()
    for name in (LEDGER, KEYS):
        shutil.copy(copy / name, data / name)


@contextmanager
def restored_service(first: KeyedLedger, tmp_path: Path) -> Iterator[Api]:
    """Serve a copy that lacks the last decision, of which a checkpoint was signed."""
    with open_api(first, tmp_path / "data") as api:
        api.decide(event("ev-1"))
        api.get(CHECKPOINT)
        copy_database(api, tmp_path / "copy")
        api.decide(event("ev-2", conversation={"id": "c-2"}))
        assert api.get(CHECKPOINT).status_code == 200
        clock = api.clock
    roll_back(tmp_path / "data", tmp_path / "copy")
    with SqliteStore.open(tmp_path / "data", clock=clock) as store:
        yield Api(store, clock, first)


@pytest.fixture
def behind(first: KeyedLedger, tmp_path: Path) -> Iterator[Api]:
    with restored_service(first, tmp_path) as api:
        yield api


def size(note: str) -> int:
    return parse_checkpoint(parse_note(note.encode()).text).size


def test_restored_copy_answers_reads_and_names_the_missing_entries_on_writes(
    behind: Api,
) -> None:
    before = behind.log_heads()
    assert [item["index"] for item in behind.entries()] == [0, 1, 2]
    refusal = behind.post("/v1/decisions", event("ev-3"), Role.PLATFORM)
    assert code(refusal) == (503, "ledger_behind")
    assert "acme has 3 entries, but 4 were signed" in read(refusal)["detail"]
    ready = behind.send("GET", "/readyz")
    assert code(ready) == (503, "ledger_behind")
    assert "acme has 3 entries, but 4 were signed" in read(ready)["detail"]
    assert behind.log_heads() == before


def test_restored_copy_signs_nothing_and_shows_the_signed_checkpoint(behind: Api) -> None:
    assert size(behind.get(CHECKPOINT).text) == 4
    assert code(behind.get("/v1/workspaces/none/ledger/checkpoint")) == (503, "ledger_behind")
    assert behind.get(f"{ACME}/ledger/entries/2/proof").status_code == 503


@pytest.mark.usefixtures("behind")
def test_commands_that_write_refuse_a_restored_copy(tmp_path: Path) -> None:
    data = tmp_path / "data"
    output = call("decide", "--data", data, given=lines(event("ev-9")), code=1).stdout
    assert json.loads(output)["code"] == "ledger_behind"
    create = ("keys", "create", "--data", data, "--role", "owner", "--name", "x")
    assert "but 4 were signed" in call(*create, code=2).stderr


def keys(api: Api, *roles: str) -> bytes:
    return "\n".join(api.tokens[role] for role in roles).encode()


def test_owner_and_approver_accept_the_loss(behind: Api, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert {each["log"] for each in as_json("restore", "--data", data, code=1)["lost"]} == {
        "acme",
        "system",
    }
    given = keys(behind, "owner", "approver")
    result = call("restore", "--data", data, "--accept-loss", "--json", given=given).stdout
    assert json.loads(result)["accepted"] is True
    [entry] = behind.entries("?kind=ledger.restored", "system")
    leaf = entry["entry"]
    assert (leaf["by"], leaf["approved_by"]) == (
        behind.keys["owner"].id,
        behind.keys["approver"].id,
    )
    assert next((each["log"], each["size"], each["there"]) for each in leaf["lost"]) == (
        "acme",
        4,
        3,
    )
    behind.decide(event("ev-3"))
    assert behind.send("GET", "/readyz").status_code == 200
    assert size(behind.get(CHECKPOINT).text) == 4
    assert as_json("restore", "--data", data) == {"accepted": False, "lost": []}


@pytest.mark.parametrize(
    "roles", [(), ("owner",), ("owner", "owner"), ("owner", "auditor"), ("approver", "platform")]
)
def test_restore_exits_with_2_without_an_owner_and_an_approver_key(
    behind: Api, tmp_path: Path, roles: tuple[str, ...]
) -> None:
    accept = ("restore", "--data", tmp_path / "data", "--accept-loss")
    call(*accept, given=keys(behind, *roles), code=2)
    call(*accept, given=b"key-1.x key-2.y", code=2)
    assert code(behind.post("/v1/decisions", event("e"), Role.PLATFORM)) == (503, "ledger_behind")


def test_restore_reports_the_loss_of_a_copy_that_was_continued(
    first: KeyedLedger, tmp_path: Path
) -> None:
    """A release without the check may have continued the copy: same size, other entries."""
    with restored_service(first, tmp_path):
        pass
    data = tmp_path / "data"
    (data / "checkpoints").rename(tmp_path / "kept")
    with SqliteStore.open(data) as store:
        api = Api(store, store.now, first)  # type: ignore[arg-type]  # a clock that goes
        for number in range(5, 8):
            api.decide(event(f"ev-{number}", conversation={"id": f"c-{number}"}))
            api.get(CHECKPOINT)
    shutil.rmtree(data / "checkpoints")
    (tmp_path / "kept").rename(data / "checkpoints")
    lost = as_json("restore", "--data", data, code=1)["lost"]
    assert next((each["log"], each["size"], each["there"]) for each in lost) == ("acme", 4, 6)


def test_ledger_is_writable_when_its_checkpoint_files_are_older(api: Api) -> None:
    """A kill between the commit and the write of the file leaves such a ledger."""
    api.decide(event("ev-1"))
    api.get(CHECKPOINT)
    old = (api.store.folder / "checkpoints" / "acme").read_bytes()
    api.decide(event("ev-2", conversation={"id": "c-2"}))
    api.get(CHECKPOINT)
    (api.store.folder / "checkpoints" / "acme").write_bytes(old)
    with SqliteStore.open(api.store.folder) as again:
        again.transact(lambda _: None)
    assert as_json("restore", "--data", api.store.folder)["lost"] == []


def test_ledger_is_writable_when_checkpoints_were_entered_out_of_order(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes signed at once, and the smaller checkpoint was entered last."""
    store = api.store
    slow, fast = CheckpointSigner(store, "x.example"), CheckpointSigner(store, "x.example")
    api.decide(event("ev-1"))

    def read_less(*given: Any) -> Any:
        monkeypatch.undo()
        api.decide(event("ev-2", conversation={"id": "c-2"}))
        fast.latest_checkpoint("acme")
        return store.transact(*given)

    monkeypatch.setattr(store, "transact", read_less)
    slow.latest_checkpoint("acme")
    entered = [each["entry"]["size"] for each in api.entries("?kind=checkpoint", "system")]
    assert entered == [4, 3]
    api.decide(event("ev-3", conversation={"id": "c-3"}))
    with SqliteStore.open(store.folder) as again:
        again.transact(lambda _: None)
    assert as_json("restore", "--data", store.folder)["lost"] == []


def test_search_by_contact_is_refused_when_contact_keys_are_missing(
    api: Api, first: KeyedLedger
) -> None:
    """The contact must not look unknown, also to a process that never had the keys."""
    api.decide(event("ev-1"))
    (api.store.folder / KEYS).unlink()
    with SqliteStore.open(api.store.folder, clock=api.clock) as store:
        asked = Api(store, api.clock, first).get(f"{ACME}/ledger/entries?contact=ct-1")
    assert code(asked) == (503, "storage_unavailable")
    assert "the keys of contacts are missing" in read(asked)["detail"]
