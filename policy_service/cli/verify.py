"""`verify`: recompute the ledger and list every inconsistency."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audit.errors import NoSigningKeyError, StorageUnavailableError
from audit.evidence.known_checkpoints import KnownCheckpoints
from audit.evidence.ledger_verifier import verify_ledger
from audit.log.checkpoint import parse_checkpoint
from audit.log.signed_note import EvidenceError, parse_note
from audit.verification.findings import escape_control
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.cli.progress import show_progress

if TYPE_CHECKING:
    from audit.stores.contract import Snapshot, Store
    from audit.verification.findings import LogReport


@click.command()
@data_option
@click.option(
    "--checkpoint",
    "notes",
    type=click.Path(dir_okay=False, exists=True, path_type=Path),
    multiple=True,
    help="A signed checkpoint from elsewhere; repeat the option for more.",
)
@json_option
def verify(data: Path, notes: tuple[Path, ...], *, as_json: bool) -> None:
    """Recompute every leaf, hash, root and step of every log.

    Each log is compared with every known checkpoint of it. A ledger that cannot be read to its end
    is a finding too.
    """
    reports: list[LogReport] = []
    integrity_errors: list[str] = []
    unreadable = None
    with open_ledger(data) as store:
        # Before the logs: a checkpoint that was saved is never ahead of them.
        signed = _gather_checkpoints(store, notes)
        try:
            with (
                store.read() as snapshot,
                show_progress("Verifying", _count_entries(snapshot)) as advance,
            ):
                signed.add_entries(snapshot)
                reports.extend(verify_ledger(snapshot, advance, signed))
                integrity_errors.extend(snapshot.integrity_errors())
        except StorageUnavailableError as error:
            unreadable = str(error)
    if as_json:
        logs = [_report_view(report) for report in reports]
        print_json({"logs": logs, "integrity_errors": integrity_errors, "unreadable": unreadable})
    else:
        for report in reports:
            _print_report(report)
        for integrity_error in integrity_errors:
            click.echo(f"outside the logs: {escape_control(integrity_error)}")
        if unreadable:
            click.echo(f"the rest cannot be read: {unreadable}")
    if unreadable or integrity_errors or any(report.findings for report in reports):
        exit_with_finding()


def _gather_checkpoints(store: Store, notes: tuple[Path, ...]) -> KnownCheckpoints:
    """Return the checkpoints stored outside; check their signer if the signing key is there."""
    try:
        verifier = store.signing_key().verifier
    except NoSigningKeyError:
        verifier = None
    signed = KnownCheckpoints(verifier)
    signed.add_stored(store.checkpoints)
    for path in notes:
        try:
            note = path.read_bytes()
            origin = parse_checkpoint(parse_note(note).text).origin
        except (OSError, EvidenceError) as error:
            fail(f"{path} is no checkpoint: {error}")
        signed.add_note(note, origin.rpartition("/")[2], None)
    return signed


def _count_entries(snapshot: Snapshot) -> int | None:
    """Return the expected number of entries; None if no head can be read."""
    try:
        return sum(snapshot.head(log).size for log in snapshot.logs())
    except StorageUnavailableError:
        return None


def _report_view(report: LogReport) -> dict[str, Any]:
    return {
        "log": report.log,
        "size": report.size,
        "root": base64.b64encode(report.root).decode(),
        "findings": [
            {"index": finding.index, "code": finding.code, "message": finding.message}
            for finding in report.findings
        ],
    }


def _print_report(report: LogReport) -> None:
    state = "sound" if not report.findings else f"{len(report.findings)} findings"
    root = base64.b64encode(report.root).decode()
    click.echo(f"{escape_control(report.log)}: {report.size} entries, root {root}, {state}")
    for finding in report.findings:
        place = "log" if finding.index is None else f"entry {finding.index}"
        click.echo(f"  {place}: {escape_control(finding.message)} ({finding.code})")
