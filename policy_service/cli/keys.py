"""`keys`: list, create and revoke keys, with access to the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policy_service.access.caller import create_key, revoke_key
from policy_service.access.keys import EVERY_WORKSPACE, Keyring, NewKey, Role, key_view
from policy_service.cli.command_group import CommandGroup
from policy_service.cli.console import data_option, fail, json_option, open_ledger, print_json
from policy_service.problems import ProblemError
from policy_service.services import Services
from rules.formats.timestamps import parse_timestamp
from rules.model.workspace import is_workspace

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from policy_service.access.keys import Key

MAX_NAME_LENGTH = 200


@click.group(cls=CommandGroup)
def keys() -> None:
    """List, create and revoke keys."""


@keys.command("list")
@data_option
@json_option
def list_keys(data: Path, *, as_json: bool) -> None:
    """List every key without its secret, with its last use to the minute."""
    with open_ledger(data) as store, store.read() as snapshot:
        all_keys = list(Keyring().keys(snapshot).values())
        last_uses = snapshot.last_uses()
    if as_json:
        print_json({"items": [key_view(key, last_uses) for key in all_keys]})
        return
    for key in all_keys:
        state = f"{_describe_state(key)}, {_describe_use(last_uses.get(key.id))}"
        click.echo(f"{key.id}  {key.role.value:<9} {key.workspace:<20} {state}  {key.name}")


@keys.command()
@data_option
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="The role of the key.",
)
@click.option(
    "--workspace", default=EVERY_WORKSPACE, show_default=True, help="The workspace, or `*` for all."
)
@click.option("--name", required=True, help="The purpose of the key.")
@click.option("--expires-at", help="The RFC 3339 time at which the key expires.")
@json_option
def create(  # noqa: PLR0913 - one for each option
    data: Path, role: str, workspace: str, name: str, expires_at: str | None, *, as_json: bool
) -> None:
    """Create a key; its secret is shown once."""
    if workspace != EVERY_WORKSPACE and not is_workspace(workspace):
        fail(f"{workspace!r} is not a workspace's id")
    if not (name.isprintable() and 1 <= len(name) <= MAX_NAME_LENGTH):
        fail(f"a key's name has 1 to {MAX_NAME_LENGTH} printable characters")
    new = NewKey(Role(role), workspace, name, _parse_time(expires_at))
    with open_ledger(data) as store:
        try:
            created = create_key(Services(store).ledger(None), new)
        except ProblemError as problem:
            fail(problem.detail)
    if as_json:
        print_json({**key_view(created.key, {}), "secret": created.token})
    else:
        click.echo(created.token)


@keys.command()
@data_option
@click.argument("key_id")
@json_option
def revoke(data: Path, key_id: str, *, as_json: bool) -> None:
    """Revoke a key for good."""
    with open_ledger(data) as store:
        try:
            key = revoke_key(Services(store).ledger(None), key_id)
        except ProblemError as problem:
            fail(problem.detail)
        with store.read() as snapshot:
            last_uses = snapshot.last_uses()
    if as_json:
        print_json(key_view(key, last_uses))
    else:
        click.echo(f"{key.id} is revoked")


def _parse_time(text: str | None) -> datetime | None:
    try:
        return None if text is None else parse_timestamp(text)
    except ValueError as error:
        fail(f"--expires-at is an RFC 3339 time with an offset: {error}")


def _describe_state(key: Key) -> str:
    if key.revoked_at:
        return f"revoked {key.revoked_at}"
    expires = f", expires {key.expires_at}" if key.expires_at else ""
    return f"created {key.created_at}{expires}"


def _describe_use(at: str | None) -> str:
    return f"last used {at}" if at else "never used"
