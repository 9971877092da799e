"""Laws of all commands: help, JSON output, and exit codes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from policy_service.cli import main
from tests.policy_service.command_line import call, commands
from tests.served import COMMAND

if TYPE_CHECKING:
    from pathlib import Path


COMMANDS = dict(commands(main))
NO_JSON = {("serve",)}
"""Commands that print nothing but their log."""


def test_list_of_commands_is_fixed() -> None:
    assert {" ".join(words) for words in COMMANDS} == {
        "init",
        "serve",
        "decide",
        "verify",
        "export",
        "replay",
        "backtest",
        "story",
        "workspaces",
        "erase",
        "rules",
        "rules show",
        "rules check",
        "rules test",
        "rules explain",
        "rules schema",
        "rules diff",
        "rules propose",
        "rules approve",
        "rules reject",
        "rules activate",
        "rules unschedule",
        "rules approvals",
        "rules guardrails",
        "keys",
        "keys list",
        "keys create",
        "keys revoke",
        "ledger",
        "ledger checkpoint",
        "ledger key",
        "ledger proof",
        "ledger consistency",
        "ledger check",
        "backup",
        "restore",
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_describes_the_command_and_every_option(words: tuple[str, ...]) -> None:
    output = call(*words, "--help").stdout
    assert output.startswith(f"Usage: main {' '.join(words)}")
    assert call(*words, "-h").stdout == output
    options = [p for p in COMMANDS[words].params if isinstance(p, click.Option)]
    assert all(option.help for option in options), "an option says what it is for"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_but_serve_has_the_json_option(words: tuple[str, ...]) -> None:
    command = COMMANDS[words]
    has_json = any("--json" in parameter.opts for parameter in command.params)
    assert has_json is (words not in NO_JSON and not isinstance(command, click.Group))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_unknown_option_exits_with_2(words: tuple[str, ...]) -> None:
    call(*words, "--colour", code=2)


def test_unknown_command_exits_with_2() -> None:
    call("nothing", code=2)


@pytest.mark.parametrize(
    ("module", "libraries"),
    [
        ("policy_service.cli.main", {"flask", "granian", "orjson", "pydantic", "sqlite3", "yaml"}),
        ("policy_service.cli.verify", {"flask", "granian", "marshmallow", "pydantic"}),
        ("policy_service.cli.rules", {"flask", "granian", "sqlite_utils"}),
    ],
)
def test_command_imports_no_library_that_it_does_not_use(module: str, libraries: set[str]) -> None:
    """A command starts fast: it loads only the libraries that it uses."""
    code = f"import sys, {module}; print(*sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    loaded = set(process.stdout.decode().split())
    assert module in loaded
    assert loaded & libraries == set()


def test_installed_command_prints_its_version() -> None:
    output = subprocess.run([COMMAND, "--version"], capture_output=True, check=True, timeout=60)
    assert output.stdout.startswith(b"policy-service, version ")


@pytest.mark.parametrize(
    "arguments",
    [["--port", "0"], ["--port", "65536"], ["--workers", "0"], ["--threads", "x"]],
    ids=" ".join,
)
def test_serve_exits_with_2_when_an_option_is_out_of_range(
    tmp_path: Path, arguments: list[str]
) -> None:
    call("serve", "--data", tmp_path, *arguments, code=2)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POLICY_SERVICE_PORT", "http"),
        ("POLICY_SERVICE_PORT", "0"),
        ("POLICY_SERVICE_PORT", "65536"),
        ("POLICY_SERVICE_WORKERS", "-1"),
        ("POLICY_SERVICE_THREADS", "1e3"),
        ("POLICY_SERVICE_DATA", ""),
        ("POLICY_SERVICE_COLOUR", "red"),
    ],
)
def test_serve_names_the_invalid_variable_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert name in call("serve", "--data", tmp_path, code=2).stderr
