"""`restore` and `backup`: continue with a restored copy; copy a ledger in use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audit.errors import AuditError, NotALedgerError
from audit.evidence.backup import back_up
from audit.log.signed_note import encode_base64
from audit.stores.sqlite.store import SqliteStore
from audit.verification.findings import escape_control
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    fail_with_ledger,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.problems import ProblemError
from policy_service.restore import accept_loss, find_missing

if TYPE_CHECKING:
    from typing import TextIO

    from audit.evidence.backup import CopiedLog
    from audit.stores.rollback_detection import MissingEntries


@click.command()
@data_option
@click.option("--accept-loss", is_flag=True, help="Accept the loss and continue, for good.")
@click.option(
    "--keys",
    type=click.File(),
    default="-",
    help="A file with an owner's key and an approver's, one a line; the default is standard input.",
)
@json_option
def restore(data: Path, keys: TextIO, *, accept_loss: bool, as_json: bool) -> None:
    """List signed entries that are missing, as in a restored copy; accept the loss with two keys.

    Until the loss is accepted, such a ledger is read-only. The exit code is 1 while entries are
    missing.
    """
    with open_ledger(data) as store:
        losses = find_missing(store)
    if losses and accept_loss:
        losses = _accept_loss(data, keys.read().removeprefix("\ufeff").split())
    if as_json:
        accepted = bool(losses) and accept_loss
        print_json({"accepted": accepted, "lost": [_loss_view(loss) for loss in losses]})
    elif not losses:
        click.echo("Nothing that was signed is missing.")
    for loss in losses if not as_json else ():
        click.echo(f"{escape_control(str(loss))}{', which is accepted' if accept_loss else ''}")
    if losses and not accept_loss:
        exit_with_finding()


@click.command()
@data_option
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The folder to create, or an empty folder.",
)
@json_option
def backup(data: Path, out: Path, *, as_json: bool) -> None:
    """Copy the ledger in use, recompute the copy, and compare it with the signed checkpoints.

    The copy does not contain the signing key.
    """
    with open_ledger(data):
        pass
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(out.iterdir()):
            fail(f"{out} is not empty")
    except OSError as error:
        fail(f"cannot write to {out}: {error.strerror}")
    try:
        logs = back_up(data, out)
    except AuditError as error:
        fail_with_ledger(error, out)
    if as_json:
        print_json({"logs": [_copy_view(each) for each in logs]})
    for each in logs if not as_json else ():
        root = encode_base64(each.root)
        state = each.problem or "copied"
        click.echo(f"{escape_control(each.log)}: {each.size} entries, root {root}, {state}")
    if any(each.problem for each in logs):
        exit_with_finding()


def _accept_loss(data: Path, tokens: list[str]) -> list[MissingEntries]:
    try:
        with SqliteStore.open(data, accept_loss=True) as store:
            return accept_loss(store, tokens)
    except ProblemError as problem:
        fail(problem.detail)
    except NotALedgerError as error:
        fail(str(error))
    except AuditError as error:
        fail_with_ledger(error, data)


def _loss_view(loss: MissingEntries) -> dict[str, Any]:
    root = encode_base64(loss.root)
    return {"log": loss.log, "size": loss.size, "root": root, "there": loss.actual_size}


def _copy_view(each: CopiedLog) -> dict[str, Any]:
    root = encode_base64(each.root)
    return {"log": each.log, "size": each.size, "root": root, "wrong": each.problem}
