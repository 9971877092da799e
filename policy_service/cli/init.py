"""`init`: create a ledger, and a key for each role."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from audit.errors import AuditError, LedgerExistsError
from audit.stores.sqlite.store import SqliteStore
from policy_service.access.caller import create_first_keys
from policy_service.cli.console import (
    data_option,
    fail_with_ledger,
    json_option,
    load_settings,
    local_url,
    print_json,
)
from policy_service.services import Services

if TYPE_CHECKING:
    from pathlib import Path

_FIRST_EVENT = (
    '{"id": "ev-1", "type": "conversation.started", "occurred_at": "2026-11-22T10:00:00Z",'
    ' "workspace": {"id": "acme", "plan": "pro"},'
    ' "conversation": {"id": "c-1", "direction": "inbound"},'
    ' "contact": {"id": "ct-1", "kind": "lead"}, "message": {"text": "Hi", "language": "en"}}'
)


@click.command()
@data_option
@json_option
def init(data: Path, *, as_json: bool) -> None:
    """Create a ledger and one key for each role; the secrets are shown once.

    A ledger that exists and has no keys yet gets its keys.
    """
    url = local_url(load_settings())
    try:
        with _create_or_open(data) as store:
            created = create_first_keys(Services(store).ledger(None))
    except AuditError as error:
        fail_with_ledger(error, data)
    tokens = {each.key.role.value: each.token for each in created}
    if as_json:
        print_json({"keys": tokens})
        return
    click.echo(f"The ledger is in {data}. These keys, for every workspace, are shown this once:\n")
    for role, token in tokens.items():
        click.echo(f"  {role:<9} {token}")
    click.echo(
        "\nOnce the service runs, ask it for a first decision:\n\n"
        f"  curl -s {url}/v1/decisions \\\n"
        f"    -H 'Authorization: Bearer {tokens['platform']}' \\\n"
        f"    -d '{_FIRST_EVENT}'\n"
    )


def _create_or_open(data: Path) -> SqliteStore:
    try:
        return SqliteStore.create(data)
    except LedgerExistsError:
        return SqliteStore.open(data)
