"""`export`: write a bundle for others to verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from audit.errors import NotSignedError
from audit.evidence.bundle_export import (
    ErasedAfterCheckpointError,
    NotExportedError,
    SignedCheckpoint,
    export_bundle,
)
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.signed_note import encode_base64
from audit.verification.findings import escape_control
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    json_option,
    load_settings,
    open_ledger,
    print_json,
)
from policy_service.cli.progress import show_progress

if TYPE_CHECKING:
    from audit.log.checkpoint import Checkpoint
    from audit.stores.contract import Store

_MAX_TRIES = 3


@click.command(name="export")
@data_option
@click.option("--workspace", required=True, help="The workspace of the log, or `system`.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder to create; it must not exist.",
)
@click.option("--personal", is_flag=True, help="Include the personal data of the entries.")
@json_option
def export_command(data: Path, workspace: str, out: Path, *, personal: bool, as_json: bool) -> None:
    """Write a log as a folder of files that anybody can verify without this service.

    A checkpoint is signed now if none covers all entries.
    """
    if out.exists() or out.is_symlink():
        fail(f"{out} exists already")
    with open_ledger(data) as store:
        try:
            checkpoint = _export_log(store, workspace, out, personal=personal)
        except FileExistsError as error:
            fail(str(error))
        except (NotExportedError, NotSignedError) as error:
            click.echo(f"policy-service: {error}", err=True)
            exit_with_finding()
    size, root = checkpoint.size, encode_base64(checkpoint.root)
    if as_json:
        print_json({"log": workspace, "size": size, "root": root, "out": str(out)})
    else:
        click.echo(f"{workspace}: {size} entries, root {root}, in {escape_control(str(out))}")


def _export_log(store: Store, log: str, out: Path, *, personal: bool) -> Checkpoint:
    checkpoints = CheckpointSigner(store, load_settings().origin)
    with store.read() as snapshot:
        if log not in snapshot.logs():
            fail(f"there is no log {log!r}")
    for last in (False,) * (_MAX_TRIES - 1) + (True,):
        kept = checkpoints.latest_checkpoint(log)
        signed = SignedCheckpoint(kept.note, checkpoints.verifier_key(log))
        try:
            with (
                store.read() as snapshot,
                show_progress("Exporting", kept.checkpoint.size) as advance,
            ):
                export_bundle(snapshot, log, signed, out, personal=personal, on_progress=advance)
        except ErasedAfterCheckpointError:
            if last:
                raise
        else:
            break
    return kept.checkpoint
