"""`erase`: erase a contact, with or without a running server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.privacy.erasures import erase_contact
from policy_service.problems import ProblemError
from policy_service.services import Services
from rules.model.workspace import is_workspace

if TYPE_CHECKING:
    from pathlib import Path

MAX_CONTACT_LENGTH = 200
MAX_REASON_LENGTH = 500


@click.command()
@data_option
@click.option("--workspace", required=True, help="The workspace of the contact.")
@click.option(
    "--reason",
    required=True,
    help="The reason, at most 500 characters. It is kept for good: no personal data.",
)
@click.argument("contact")
@json_option
def erase(data: Path, workspace: str, reason: str, contact: str, *, as_json: bool) -> None:
    """Erase a contact from a workspace: personal data is destroyed, every decision stays.

    A running server may go on. Under a hold nothing is erased, an entry records the refusal, and
    the exit code is 1.
    """
    _check_arguments(workspace, contact, reason)
    try:
        with open_ledger(data) as store:
            ledger = Services(store).workspace_ledger(None, workspace)
            erasure = erase_contact(ledger, contact, reason)
    except ProblemError as problem:
        if as_json:
            print_json(problem.as_json())
        else:
            click.echo(f"policy-service: {problem.detail}", err=True)
        exit_with_finding()
    if as_json:
        print_json(erasure)
        return
    count, index = len(erasure["entries"]), erasure["ledger"]["index"]
    click.echo(f"Erased the personal data of {count} entries of {workspace}; entry {index}")


def _check_arguments(workspace: str, contact: str, reason: str) -> None:
    if not is_workspace(workspace):
        fail(f"{workspace!r} is not a workspace's id")
    for label, text, longest in (
        ("a contact's id", contact, MAX_CONTACT_LENGTH),
        ("a reason", reason, MAX_REASON_LENGTH),
    ):
        if not 1 <= len(text) <= longest or not _is_text(text):
            fail(f"{label} has 1 to {longest} characters")


def _is_text(text: str) -> bool:
    """Return True if the command line was valid UTF-8."""
    return text.isascii() or text.encode(errors="replace").decode() == text
