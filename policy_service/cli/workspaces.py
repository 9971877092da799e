"""`workspaces`: list the logs of a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audit.entry import EntryKind
from audit.verification.findings import escape_control
from policy_service.cli.console import data_option, json_option, open_ledger, print_json
from policy_service.policies.policy_cache import PolicyCache
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.contract import Snapshot

_OTHER_FAMILIES = sorted({kind.partition(".")[0] for kind in EntryKind} - {EntryKind.DECISION})
"""The families of kinds other than decisions. They are few and found by an index."""


@click.command()
@data_option
@json_option
def workspaces(data: Path, *, as_json: bool) -> None:
    """List every log with its size, active version and number of decisions."""
    with open_ledger(data) as store, store.read() as snapshot:
        policies = PolicyCache()
        rows = [_workspace_row(snapshot, policies, log) for log in snapshot.logs()]
    if as_json:
        print_json({"items": rows})
        return
    for row in rows:
        active = f"version {row['version']}" if row["version"] else "no version"
        counts = f"{row['entries']} entries, {active}, {row['decisions']} decisions"
        click.echo(f"{escape_control(row['workspace'])}: {counts}")


def _workspace_row(snapshot: Snapshot, policies: PolicyCache, log: str) -> dict[str, Any]:
    size = snapshot.head(log).size
    if log == SYSTEM_LOG:
        return {"workspace": log, "entries": size, "version": None, "decisions": 0}
    other_count = sum(len(snapshot.entries_of_family(log, family)) for family in _OTHER_FAMILIES)
    version = policies.active_version(snapshot, log).number
    return {"workspace": log, "entries": size, "version": version, "decisions": size - other_count}
