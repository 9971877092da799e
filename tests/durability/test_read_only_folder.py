"""A read-only folder: commands report it at once, and write nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.durability.disks import read_only
from tests.durability.load import event
from tests.served import free_port, made, run

if TYPE_CHECKING:
    from pathlib import Path

EVENT = event("c", 1, "acme", "conversation.started")


def content(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        ["serve", f"--port={free_port()}"],
        ["decide"],
        ["verify"],
        ["replay"],
        ["init"],
        ["keys", "create", "--role=auditor", "--workspace=acme", "--name=n"],
    ],
    ids=lambda command: command[0],
)
def test_command_reports_a_read_only_ledger(tmp_path: Path, command: list[str]) -> None:
    """Reading a ledger writes next to it, too: SQLite's readers announce themselves to writers."""
    data = tmp_path / "data"
    made(data)
    before = content(data)
    with read_only(data) as wrapper:
        ended = run(*command, f"--data={data}", exit_code=2, given=EVENT, wrapper=wrapper)
    assert ended.stdout == b""
    [said] = ended.stderr.decode().splitlines()
    assert said.startswith(f"policy-service: the ledger in {data} cannot be used: ")
    assert "read-only" in said or "Permission denied" in said
    assert content(data) == before


@pytest.mark.parametrize("command", ["init", "decide"])
def test_command_makes_no_ledger_in_a_read_only_folder(tmp_path: Path, command: str) -> None:
    """The error names the folder, and the folder stays empty."""
    folder = tmp_path / "folder"
    folder.mkdir()
    with read_only(folder) as wrapper:
        data = folder / "data"
        ended = run(command, f"--data={data}", exit_code=2, given=EVENT, wrapper=wrapper)
    [said] = ended.stderr.decode().splitlines()
    assert said.startswith(f"policy-service: the ledger in {data} cannot be used: ")
    assert "Permission denied" in said
    assert list(folder.iterdir()) == []


def test_verify_reads_a_copy_of_a_read_only_ledger(tmp_path: Path) -> None:
    """The owner of a read-only ledger can copy it and verify the copy."""
    data, copy = tmp_path / "data", tmp_path / "copy"
    made(data)
    with read_only(data):
        shutil.copytree(data, copy)
        copy.chmod(0o700)
        for each in copy.iterdir():
            each.chmod(0o600)
        run("verify", f"--data={copy}")
