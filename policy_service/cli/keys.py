"""Keys, made and revoked by whoever may read the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from policy_service.cli.terminal import data_option, fail, json_option, opened, show
from policy_service.keys import EVERY_WORKSPACE, Keyring, Role, create_key, revoke_key
from policy_service.problems import Problem
from rules.event import is_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from policy_service.keys import Key

LONGEST_NAME = 200


@click.group()
def keys() -> None:
    """List, create and revoke keys."""


@keys.command("list")
@data_option
@json_option
def list_keys(data: Path, *, as_json: bool) -> None:
    """Every key there was, without its secret."""
    with opened(data) as store, store.read() as snapshot:
        known = list(Keyring().keys(snapshot).values())
    if as_json:
        show({"items": [key_view(key) for key in known]})
        return
    for key in known:
        state = f"revoked {key.revoked_at}" if key.revoked_at else f"created {key.created_at}"
        click.echo(f"{key.id}  {key.role.value:<9} {key.workspace:<20} {state}  {key.name}")


@keys.command()
@data_option
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="What its holder may do.",
)
@click.option("--workspace", default=EVERY_WORKSPACE, show_default=True, help="`*` for all.")
@click.option("--name", required=True, help="What it is for.")
@json_option
def create(data: Path, role: str, workspace: str, name: str, *, as_json: bool) -> None:
    """Create a key; its secret is shown this once."""
    if workspace != EVERY_WORKSPACE and not is_workspace(workspace):
        fail(f"{workspace!r} is not a workspace's id")
    if not (name.isprintable() and 1 <= len(name) <= LONGEST_NAME):
        fail(f"a key's name has 1 to {LONGEST_NAME} printable characters")
    with opened(data) as store:
        key, token = store.transact(
            lambda tx: create_key(tx, role=Role(role), workspace=workspace, name=name, by=None)
        )
    if as_json:
        show({**key_view(key), "secret": token})
    else:
        click.echo(token)


@keys.command()
@data_option
@click.argument("key_id")
@json_option
def revoke(data: Path, key_id: str, *, as_json: bool) -> None:
    """Revoke a key for good."""
    with opened(data) as store:
        try:
            key = store.transact(lambda tx: revoke_key(tx, key_id, by=None))
        except Problem as problem:
            fail(problem.detail)
    if as_json:
        show(key_view(key))
    else:
        click.echo(f"{key.id} is revoked")


def key_view(key: Key) -> dict[str, Any]:
    """The key without anything secret."""
    return {
        "id": key.id,
        "role": key.role.value,
        "workspace": key.workspace,
        "name": key.name,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "revoked_at": key.revoked_at,
    }
