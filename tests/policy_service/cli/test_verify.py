"""`verify` and `replay`: tampering is reported, and files that are not ledgers stay untouched."""

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


def test_verify_reports_every_log_of_an_intact_ledger_as_sound(data: Path) -> None:
    said = call("verify", "--data", data).stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == ["acme", "globex"]
    assert all(line.endswith("sound") for line in said)
    logs = as_json("verify", "--data", data)["logs"]
    assert [(log["log"], log["size"], log["findings"]) for log in logs] == [
        ("acme", 6, []),
        ("globex", 3, []),
    ]


def test_replay_compares_every_decision(data: Path) -> None:
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
    """Return an edit that changes rows by a statement."""

    def edit(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount > 0

    return edit


def text(where: str, change: Callable[[str], str]) -> Edit:
    """Return an edit that changes the text of a leaf."""
    return partial(edit_leaf, where=where, change=change)


def members(where: str, **changes: Any) -> Edit:
    """Return an edit that changes members of a leaf; None removes a member."""

    def change(leaf: str) -> str:
        changed = {**json.loads(leaf), **changes}
        return json.dumps({name: value for name, value in changed.items() if value is not None})

    return text(where, change)


def tamper(data: Path, edit: Edit) -> None:
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
def test_verify_reports_tampering(data: Path, edit: Edit) -> None:
    tamper(data, edit)
    said = call("verify", "--data", data, code=1).stdout
    assert "findings" in said or "outside the logs" in said
    report = as_json("verify", "--data", data, code=1)
    assert any(log["findings"] for log in report["logs"]) or report["integrity_errors"]


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_replay_of_a_tampered_ledger_ends_without_a_traceback(data: Path, edit: Edit) -> None:
    """Decisions that can be decided again are compared; all others are differences."""
    tamper(data, edit)
    result = CliRunner().invoke(main, ["replay", "--data", str(data)])
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_replay_reports_the_decision_of_a_changed_fact(data: Path) -> None:
    tamper(data, EDITS["a fact"])
    [acme, _] = as_json("replay", "--data", data, code=1)["workspaces"]
    assert (acme["decisions"], acme["identical"]) == (4, 3)
    members = [difference["member"] for difference in acme["differences"]]
    assert members == ["outcome", "reason", "rule", "stage", "actions"]
    said = call("replay", "--data", data, code=1).stdout
    assert "entry 2, reason: recorded 'anonymous_contact', replayed 'plan_not_entitled'" in said


def test_control_characters_of_a_log_name_are_escaped(data: Path) -> None:
    tamper(data, sql("UPDATE logs SET name = char(27) || ']0;x' || char(7) WHERE id = 2"))
    for command in ("verify", "replay", "workspaces"):
        said = CliRunner().invoke(main, [command, "--data", str(data)], color=True).output
        assert "\\x1b" in said
        assert not set(said) & {"\x1b", "\x07"}


def test_verify_exits_with_1_when_the_file_is_damaged(data: Path) -> None:
    file = data / "ledger.sqlite3"
    body = file.read_bytes()
    page = body.index(b"otherwise") // PAGE_SIZE * PAGE_SIZE
    file.write_bytes(body[:page] + b"\xff" * PAGE_SIZE + body[page + PAGE_SIZE :])
    assert "cannot be read" in call("verify", "--data", data, code=1).stdout
    assert as_json("verify", "--data", data, code=1)["unreadable"]


# no ledger


COMMANDS = [["verify"], ["replay"], ["keys", "list"], ["keys", "revoke", "x"], ["serve"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_exits_with_2_when_there_is_no_ledger(tmp_path: Path, command: list[str]) -> None:
    result = call(*command, "--data", tmp_path / "nothing", code=2)
    assert "no ledger" in result.stderr
    assert "init" in result.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_leaves_a_file_that_is_not_a_ledger_unchanged(
    tmp_path: Path, command: list[str]
) -> None:
    (tmp_path / "ledger.sqlite3").write_text("Dear diary")
    result = call(*command, "--data", tmp_path, code=2)
    assert "not a ledger" in result.stderr
    assert (tmp_path / "ledger.sqlite3").read_text() == "Dear diary"


@pytest.mark.parametrize("command", [["decide"], *COMMANDS], ids=" ".join)
def test_command_refuses_a_ledger_of_a_newer_format(data: Path, command: list[str]) -> None:
    """The message does not advise making a new ledger in its place."""
    with closing(sqlite3.connect(data / "ledger.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    result = call(*command, "--data", data, given=SAMPLE, code=2)
    assert "format 99" in result.stderr
    assert "makes one" not in result.stderr
