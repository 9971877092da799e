"""The command line finds what was tampered with, and leaves alone what is no ledger."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from audit.stores.sqlite.schema import PAGE_SIZE
from policy_service.cli import main
from tests.fakes.tampering import edit_leaf, owned
from tests.policy_service.command_line import SAMPLE, as_json, call

if TYPE_CHECKING:
    from pathlib import Path

# verify and replay


def test_a_sound_ledger_is_said_to_be_sound(data: Path) -> None:
    said = call("verify", "--data", data).stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == ["acme", "globex"]
    assert all(line.endswith("sound") for line in said)
    logs = as_json("verify", "--data", data)["logs"]
    assert [(log["log"], log["size"], log["findings"]) for log in logs] == [
        ("acme", 6, []),
        ("globex", 3, []),
    ]


def test_a_replay_decides_everything_again(data: Path) -> None:
    assert call("replay", "--data", data).stdout == (
        "acme: 4 decisions, 4 identical\nglobex: 1 decisions, 1 identical\n"
    )
    assert as_json("replay", "--data", data, "--workspace", "globex") == {
        "workspaces": [
            {"workspace": "globex", "decisions": 1, "identical": 1, "differences": []},
        ]
    }
    call("replay", "--data", data, "--workspace", "initech", code=2)


Edit = Callable[[sqlite3.Connection], None]


def sql(statement: str) -> Edit:
    """Rows changed by a statement."""

    def edit(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount > 0

    return edit


def text(where: str, change: Callable[[str], str]) -> Edit:
    """The text of a leaf changed."""
    return partial(edit_leaf, where=where, change=change)


def members(where: str, **changes: Any) -> Edit:
    """Members of a leaf changed; None takes one away."""

    def change(leaf: str) -> str:
        changed = {**json.loads(leaf), **changes}
        return json.dumps({name: value for name, value in changed.items() if value is not None})

    return text(where, change)


def tampered(data: Path, edit: Edit) -> None:
    """Change the ledger as the owner of its file can: without the triggers."""
    with owned(data) as connection:
        edit(connection)


LAST = "log = 1 AND idx = 5"
FIRST_DECISION = "log = 1 AND idx = 2"
EDITS = {
    "an outcome": text(LAST, lambda leaf: leaf.replace('"lead"', '"ask"')),
    "a leaf that is another JSON": text(LAST, lambda _: "[]"),
    "a leaf without its members": text(LAST, lambda _: "{}"),
    "a leaf without facts": members(LAST, facts=None),
    "a fact": text(FIRST_DECISION, lambda leaf: leaf.replace('plan":"pro"', 'plan":"starter"')),
    "facts of another type": members(LAST, facts=7),
    "a time": members(LAST, occurred_at="x"),
    "a policy": members(LAST, policy="x"),
    "a version": members("seq = 1", version=None),
    "a column": sql(f"UPDATE entries SET reason = 'elsewhere' WHERE {LAST}"),
    "what is compressed": sql(f"UPDATE entries SET rest = x'01ff' WHERE {LAST}"),
    "a hash": sql(f"UPDATE entries SET leaf_hash = zeroblob(32) WHERE {LAST}"),
    "an entry gone": sql(f"DELETE FROM entries WHERE {LAST}"),
    "an entry gone in between": sql("DELETE FROM entries WHERE log = 1 AND idx = 3"),
    "a personal part gone": sql("DELETE FROM personal WHERE entry = 3"),
    "a personal part": sql("UPDATE personal SET body = zeroblob(80) WHERE entry = 3"),
    "a document": sql("UPDATE documents SET body = CAST('{}' AS BLOB)"),
    "no document": sql("DELETE FROM documents"),
    "a size": sql("UPDATE logs SET size = 5 WHERE id = 1"),
    "a root": sql("UPDATE logs SET root = zeroblob(32) WHERE id = 1"),
    "a log gone": sql("DELETE FROM logs WHERE id = 2"),
    "a contact": sql("UPDATE contacts SET contact = 'mallory' WHERE ref = 1"),
    "a frontier": sql("UPDATE logs SET frontier = zeroblob(7) WHERE id = 1"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_tampering_is_found(data: Path, edit: Edit) -> None:
    tampered(data, edit)
    said = call("verify", "--data", data, code=1).stdout
    assert "findings" in said or "beside the logs" in said
    told = as_json("verify", "--data", data, code=1)
    assert any(log["findings"] for log in told["logs"]) or told["strays"]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_replay_of_a_tampered_ledger_ends_without_a_traceback(data: Path, edit: Edit) -> None:
    """What can still be decided again is compared; the rest is a difference, never a crash."""
    tampered(data, edit)
    result = CliRunner().invoke(main, ["replay", "--data", str(data)])
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_changed_fact_is_a_difference_to_the_replay(data: Path) -> None:
    tampered(data, EDITS["a fact"])
    [acme, _] = as_json("replay", "--data", data, code=1)["workspaces"]
    assert (acme["decisions"], acme["identical"]) == (4, 3)
    members = [difference["member"] for difference in acme["differences"]]
    assert members == ["outcome", "reason", "rule", "stage", "actions"]
    said = call("replay", "--data", data, code=1).stdout
    assert "entry 2, reason: recorded 'anonymous_contact', replayed 'plan_not_entitled'" in said


def test_a_log_of_a_hostile_name_does_not_reach_the_terminal(data: Path) -> None:
    tampered(data, sql("UPDATE logs SET name = char(27) || ']0;x' || char(7) WHERE id = 2"))
    for command in ("verify", "replay", "workspaces"):
        said = CliRunner().invoke(main, [command, "--data", str(data)], color=True).output
        assert "\\x1b" in said
        assert not set(said) & {"\x1b", "\x07"}


def test_a_damaged_file_is_a_finding(data: Path) -> None:
    file = data / "ledger.sqlite3"
    body = file.read_bytes()
    page = body.index(b"otherwise") // PAGE_SIZE * PAGE_SIZE
    file.write_bytes(body[:page] + b"\xff" * PAGE_SIZE + body[page + PAGE_SIZE :])
    assert "cannot be read" in call("verify", "--data", data, code=1).stdout
    assert as_json("verify", "--data", data, code=1)["unreadable"]


# no ledger


COMMANDS = [["verify"], ["replay"], ["keys", "list"], ["keys", "revoke", "x"], ["serve"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_there_is_no_ledger_a_command_is_wrong_use(
    tmp_path: Path, command: list[str]
) -> None:
    result = call(*command, "--data", tmp_path / "nothing", code=2)
    assert "no ledger" in result.stderr
    assert "init" in result.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_ledger_is_left_alone(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "ledger.sqlite3").write_text("Dear diary")
    result = call(*command, "--data", tmp_path, code=2)
    assert "not a ledger" in result.stderr
    assert (tmp_path / "ledger.sqlite3").read_text() == "Dear diary"


@pytest.mark.parametrize("command", [["decide"], *COMMANDS], ids=" ".join)
def test_a_ledger_of_a_newer_release_is_left_alone(data: Path, command: list[str]) -> None:
    """And nobody is told to make another one in its place."""
    with closing(sqlite3.connect(data / "ledger.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    result = call(*command, "--data", data, given=SAMPLE, code=2)
    assert "format 99" in result.stderr
    assert "makes one" not in result.stderr
