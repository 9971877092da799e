"""The command line, called in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner

from policy_service.cli import main
from tests.policy_service.api_client import event, reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result


def call(*arguments: str | Path, given: bytes = b"", code: int = 0) -> Result:
    """Run a command in this process; it must exit with this code and without a traceback."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], input=given)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def commands(group: click.Group, *above: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Yield every command below the group with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command
        yield (*above, name), command
        if isinstance(command, click.Group):
            yield from commands(command, *above, name)


def as_json(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code).stdout)


def lines(*events: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


SAMPLE = lines(
    event("ev-1"),
    reply("ev-2", "customer"),
    event("ev-3", conversation={"id": "c-2"}),
    reply("ev-4", "not_customer", conversation={"id": "c-2"}),
    event("ev-5", workspace={"id": "globex"}),
)
