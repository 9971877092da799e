"""The README is correct: its console blocks run, and its tables equal the code's."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING

import click

from policy_service.cli import main
from policy_service.settings import SETTINGS, variable_name
from tests.folders import ROOT
from tests.policy_service.command_line import commands
from tests.served import COMMAND, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = ROOT / "README.md"
PORT = "8123"
VARYING = {
    r"sha256:[0-9a-f]{64}": "<digest>",
    r"[A-Za-z0-9+/]{43}=": "<hash>",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z": "<time>",
}
"""Parts of the output that differ at every run, by their form; all other parts must be equal."""
END = "---- end of the output ----"


def console_commands(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of the console blocks with its printed output."""
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for written in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = written.splitlines(keepends=True)
            end = next(n for n in range(1, len(lines) + 1) if is_whole("".join(lines[:n])))
            yield "".join(lines[:end]), "".join(lines[end:])


def is_whole(command: str) -> bool:
    """Return True if a shell would run the text and not wait for more."""
    if command.endswith("\\\n"):
        return False
    try:
        shlex.split(command)
    except ValueError:
        return False
    return True


def run_commands(folder: Path, commands: list[str]) -> list[str]:
    """Return the output of each command, run in turn by one shell in the folder."""
    script = "".join(f"{command}echo '{END}'\n" for command in commands)
    path = f"{COMMAND.parent}{os.pathsep}{os.environ['PATH']}"
    ran = subprocess.run(
        ["bash", "-c", f"trap 'kill $(jobs -p) 2>/dev/null' EXIT\n{script}"],
        cwd=folder,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return ran.stdout.split(f"{END}\n")[:-1]


def normalise(text: str) -> str:
    for pattern, name in VARYING.items():
        text = re.sub(pattern, name, text)
    return text.strip()


def test_commands_of_the_readme_print_the_shown_output(tmp_path: Path) -> None:
    story = list(console_commands(README.read_text(encoding="utf-8")))
    port = str(free_port())
    outputs = run_commands(tmp_path, [command.replace(PORT, port) for command, _ in story])
    assert len(outputs) == len(story)
    for (command, promised), output in zip(story, outputs, strict=True):
        assert normalise(output).replace(port, PORT) == normalise(promised), command


def test_readme_shows_start_decision_verification_and_copy() -> None:
    """Prove that the console blocks were found."""
    commands = "".join(
        command for command, _ in console_commands(README.read_text(encoding="utf-8"))
    )
    for result in ("init", "serve", "/v1/decisions", "verify", "replay", "kill", "cp"):
        assert result in commands


def sentence(command: click.Command) -> str:
    """Return the first sentence of the command's help."""
    return (command.help or "").split("\n\n")[0].replace("\n", " ")


def test_readme_lists_every_command_with_the_first_sentence_of_its_help() -> None:
    table = [
        f"| `{' '.join(words)}` | {sentence(command)} |"
        for words, command in commands(main)
        if not isinstance(command, click.Group)
    ]
    assert rows("Commands") == table


def test_readme_lists_every_setting() -> None:
    table = [
        f"| `{variable_name(name)}` | `{setting.default}` | {setting.description} |"
        for name, setting in SETTINGS.items()
    ]
    assert rows("Settings") == table


def rows(section: str) -> list[str]:
    """Return the rows of the table in a section, without its head."""
    text = README.read_text(encoding="utf-8").split(f"\n## {section}\n")[1].split("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| `")]
