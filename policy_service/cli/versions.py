"""`rules propose|approve|reject|activate|unschedule`: steps of documents kept in git."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from audit.projections.versions import VersionStatus
from policy_service.access.permissions import Permission
from policy_service.cli.console import fail, print_json
from policy_service.cli.target import check_text, document_file, open_target, target_options
from policy_service.policies.activation import requested_activation
from policy_service.policies.proposals import document_from
from policy_service.policies.versions import (
    activate_version,
    approve_version,
    propose_version,
    reject_version,
    unschedule_version,
)
from rules.errors import InvalidDocumentError
from rules.formats.strict_json import StrictJsonError, parse_json
from rules.formats.timestamps import parse_timestamp
from rules.formats.utf8 import TextEncodingError, decode_text

if TYPE_CHECKING:
    from pathlib import Path

    from policy_service.cli.target import Ask, Target, UseCase


@click.command()
@target_options
@click.argument("file", type=document_file)
@click.option("--note", help="The change and its reason. It is kept for good: no personal data.")
@click.option("--supersede", is_flag=True, help="Replace another proposal that is still open.")
def propose(file: Path, note: str | None, *, supersede: bool, **options: Any) -> None:  # noqa: ANN401 - the options of every step
    """Propose a document as the next version; the exit code is 1 if it is refused."""
    check_text("a note", note)
    with open_target(**options) as target:
        written = _read_document_file(file)
        document = document_from(written)
        _run_step(
            target,
            Permission.PROPOSE_VERSIONS,
            lambda ledger: propose_version(ledger, document, note, supersede=supersede).version,
            lambda client: client.propose(target.workspace, written, note, supersede=supersede),
        )


@click.command()
@target_options
@click.argument("version", type=click.IntRange(1))
@click.option("--digest", help="The digest of the approved document.")
@click.option("--file", type=document_file, help="The approved document, instead of its digest.")
def approve(version: int, digest: str | None, file: Path | None, **options: Any) -> None:  # noqa: ANN401
    """Approve a proposed version, with another key than the author's."""
    if (digest is None) == (file is None):
        fail("give --digest or --file: what is agreed to")
    with open_target(**options) as target:
        agreed = digest or document_from(_read_document_file(cast("Path", file))).digest
        _run_step(
            target,
            Permission.APPROVE_VERSIONS,
            lambda ledger: approve_version(ledger, version, agreed),
            lambda client: client.approve(target.workspace, version, agreed),
        )


@click.command()
@target_options
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", required=True, help="The reason. It is kept for good: no personal data.")
def reject(version: int, reason: str, **options: Any) -> None:  # noqa: ANN401
    """Reject a version for good.

    It is proposed, or it is approved and its activation is scheduled; the schedule ends.
    """
    check_text("a reason", reason)
    with open_target(**options) as target:
        _run_step(
            target,
            Permission.APPROVE_VERSIONS,
            lambda ledger: reject_version(ledger, version, reason),
            lambda client: client.reject(target.workspace, version, reason),
        )


@click.command()
@target_options
@click.argument("version", type=click.IntRange(1))
@click.option("--at", help="The RFC 3339 time of the activation; the default is now.")
@click.option(
    "--percent", type=click.IntRange(1, 100), help="Activate for a percentage of the conversations."
)
@click.option("--shadow", is_flag=True, help="Record the version's decisions without using them.")
@click.option("--apply-to-running", is_flag=True, help="Include conversations that have begun.")
def activate(
    version: int,
    at: str | None,
    percent: int | None,
    *,
    shadow: bool,
    apply_to_running: bool,
    **options: Any,  # noqa: ANN401
) -> None:
    """Activate an approved version; activating an older one is a rollback."""
    try:
        if at is not None:
            parse_timestamp(at)
    except ValueError as error:
        fail(f"--at is {error}, such as 2026-12-01T09:00:00+01:00")
    how: dict[str, Any] = {
        "at": at,
        "percent": percent,
        "shadow": shadow,
        "apply_to_running": apply_to_running,
    }
    with open_target(**options) as target:
        activation = requested_activation(
            parse_timestamp(at) if at else None,
            percent,
            shadow=shadow,
            apply_to_running=apply_to_running,
        )
        _run_step(
            target,
            Permission.APPROVE_VERSIONS,
            lambda ledger: activate_version(ledger, version, activation),
            lambda client: client.activate(target.workspace, version, **how),
        )


@click.command()
@target_options
@click.argument("version", type=click.IntRange(1))
def unschedule(version: int, **options: Any) -> None:  # noqa: ANN401
    """Cancel the scheduled activation of a version."""
    with open_target(**options) as target:
        _run_step(
            target,
            Permission.APPROVE_VERSIONS,
            lambda ledger: unschedule_version(ledger, version),
            lambda client: client.unschedule(target.workspace, version),
        )


def _run_step(target: Target, permission: Permission, step: UseCase, ask: Ask) -> None:
    """Take a step of a version and print the version after it."""
    version = target.run(permission, step, ask)
    if target.as_json:
        print_json(version)
    else:
        name = f"version {version['version']} of {target.workspace}"
        click.echo(f"{name} is {version['status']}{_describe_scope(version)}: {version['digest']}")
        for due in version["scheduled"]:
            click.echo(f"  to be activated at {due['due']}{_describe_step(due)}")


def _describe_scope(version: dict[str, Any]) -> str:
    """Return the scope of an active version if it does not decide for all."""
    return (
        _describe_step(version["activations"][-1])
        if version["status"] == VersionStatus.ACTIVE
        else ""
    )


def _describe_step(step: dict[str, Any]) -> str:
    if step.get("shadow"):
        return ", in the shadow"
    return f", for {step['percent']} percent of the conversations" if "percent" in step else ""


def _read_document_file(file: Path) -> dict[str, Any] | str:
    """Return the content of a file to send: JSON as an object, YAML as text."""
    body = file.read_bytes()
    try:
        return (
            cast("dict[str, Any]", parse_json(body))
            if file.suffix == ".json"
            else decode_text(body)
        )
    except (StrictJsonError, TextEncodingError) as error:
        raise InvalidDocumentError([error.complaint]) from None
