"""The progress bar on a terminal, and the `workspaces` command."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from freezegun import freeze_time

from policy_service.cli import main
from policy_service.cli.progress import ProgressBar
from tests.policy_service.api_client import NOON, event, reply

if TYPE_CHECKING:
    from pathlib import Path


class Terminal(io.StringIO):
    """A text file that reports if it is a terminal."""

    def __init__(self, *, is_terminal: bool = True) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def run_progress(file: Terminal, length: int | None, seconds: int) -> str:
    """Return the output for ten steps in this time."""
    with freeze_time(NOON) as clock:
        progress = ProgressBar("Verifying", length, file)
        for _ in range(10):
            clock.tick(seconds / 10)
            progress.advance()
        progress.end()
    return file.getvalue()


def test_progress_shows_the_steps_when_the_work_takes_over_a_second() -> None:
    text = run_progress(Terminal(), 10, seconds=5)
    assert "Verifying" in text
    assert "10/10" in text
    assert text.endswith("\n")


def test_progress_is_shown_when_the_length_is_unknown() -> None:
    assert "Verifying" in run_progress(Terminal(), None, seconds=5)


def test_progress_shows_nothing_when_the_work_takes_a_second_or_less() -> None:
    assert run_progress(Terminal(), 10, seconds=1) == ""


def test_progress_shows_nothing_when_the_output_is_not_a_terminal() -> None:
    assert run_progress(Terminal(is_terminal=False), 10, seconds=100) == ""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a ledger with two workspaces, one of them with two decisions."""
    events = (event("ev-1"), reply("ev-2", "customer"), event("ev-3", workspace={"id": "globex"}))
    lines = "".join(f"{json.dumps(each)}\n" for each in events)
    result = CliRunner().invoke(main, ["decide", "--data", str(tmp_path / "data")], input=lines)
    assert result.exit_code == 0, result.output
    return tmp_path / "data"


def test_workspaces_prints_size_version_and_decisions(data: Path) -> None:
    assert CliRunner().invoke(main, ["workspaces", "--data", str(data)]).stdout.splitlines() == [
        "acme: 4 entries, version 1, 2 decisions",
        "globex: 3 entries, version 1, 1 decisions",
    ]


def test_workspaces_json_lists_every_log(data: Path) -> None:
    CliRunner().invoke(
        main, ["keys", "create", "--data", str(data), "--role=owner", "--name=of a test"]
    )
    listed = CliRunner().invoke(main, ["workspaces", "--data", str(data), "--json"]).stdout
    assert json.loads(listed)["items"] == [
        {"workspace": "acme", "entries": 4, "version": 1, "decisions": 2},
        {"workspace": "globex", "entries": 3, "version": 1, "decisions": 1},
        {"workspace": "system", "entries": 1, "version": None, "decisions": 0},
    ]


def test_verify_and_replay_print_no_progress_when_the_output_is_captured(data: Path) -> None:
    for command in ("verify", "replay"):
        result = CliRunner().invoke(main, [command, "--data", str(data)])
        assert (result.exit_code, result.stderr) == (0, "")
