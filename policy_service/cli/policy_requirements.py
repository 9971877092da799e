"""`rules approvals` and `rules guardrails`: the requirements for versions of a workspace.

Any key may read them. A key with the permission sets them, with a reason that the ledger keeps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audit.verification.findings import escape_control
from policy_service.access.permissions import Permission
from policy_service.cli.console import fail, print_json
from policy_service.cli.target import check_text, document_file, open_target, target_options
from policy_service.policies import requirements
from rules.errors import Complaint, InvalidDocumentError
from rules.formats.document_text import read_json, read_yaml
from rules.formats.utf8 import TextEncodingError, decode_text

if TYPE_CHECKING:
    from pathlib import Path

    from policy_service.cli.target import Target
    from policy_service.policies.guardrails import Properties

_reason = click.option("--reason", help="The reason. It is kept for good: no personal data.")


@click.command()
@target_options
@click.argument("count", type=click.IntRange(0, requirements.MAX_APPROVALS), required=False)
@_reason
def approvals(count: int | None, reason: str | None, **options: Any) -> None:  # noqa: ANN401 - the options of every step
    """Show the number of approvals that a version needs, or set it."""
    _check_reason(reason, sets=count is not None, label="COUNT")
    with open_target(**options) as target:
        if count is None:
            _show_approvals(target, _get_approvals(target))
        else:
            _show_approvals(target, _set_approvals(target, count, reason or ""))


def _get_approvals(target: Target) -> dict[str, Any]:
    return target.run(
        Permission.READ_POLICIES,
        requirements.get_approvals,
        lambda client: client.get_approvals(target.workspace),
    )


def _set_approvals(target: Target, count: int, reason: str) -> dict[str, Any]:
    return target.run(
        Permission.SET_APPROVALS,
        lambda ledger: requirements.require_approvals(ledger, count, reason),
        lambda client: client.require_approvals(target.workspace, count, reason),
    )


def _show_approvals(target: Target, required: dict[str, Any]) -> None:
    if target.as_json:
        print_json(required)
        return
    click.echo(
        f"{target.workspace}: {required['count']} must approve a version{_describe_since(required)}"
    )


@click.command()
@target_options
@click.argument("file", type=document_file, required=False)
@_reason
def guardrails(file: Path | None, reason: str | None, **options: Any) -> None:  # noqa: ANN401
    """Show the properties that every proposal must have, or set those of a file.

    The file, YAML or JSON, is a list as under `properties` of a document. An empty list removes all
    guardrails. The exit code is 1 if they are refused.
    """
    _check_reason(reason, sets=file is not None, label="FILE")
    with open_target(**options) as target:
        if file is None:
            _show_guardrails(target, _get_guardrails(target))
        else:
            _show_guardrails(target, _set_guardrails(target, _read_properties(file), reason or ""))


def _get_guardrails(target: Target) -> dict[str, Any]:
    return target.run(
        Permission.READ_POLICIES,
        requirements.get_guardrails,
        lambda client: client.get_guardrails(target.workspace),
    )


def _set_guardrails(target: Target, properties: Properties, reason: str) -> dict[str, Any]:
    return target.run(
        Permission.SET_GUARDRAILS,
        lambda ledger: requirements.set_guardrails(ledger, properties, reason),
        lambda client: client.set_guardrails(target.workspace, properties, reason),
    )


def _show_guardrails(target: Target, answer: dict[str, Any]) -> None:
    if target.as_json:
        print_json(answer)
        return
    properties = answer["properties"]
    click.echo(f"{target.workspace}: {len(properties)} guardrails{_describe_since(answer)}")
    for each in properties:
        click.echo(f"  {escape_control(str(each['id']))}")


def _describe_since(answered: dict[str, Any]) -> str:
    """Return who set it and why; nothing if nobody did."""
    since = answered["since"]
    return (
        f", by {since['by']} at {since['at']}: {escape_control(since['reason'])}" if since else ""
    )


def _read_properties(file: Path) -> Properties:
    """Return the properties in a file; raise InvalidDocumentError if it is not a list of them."""
    try:
        text = decode_text(file.read_bytes())
    except TextEncodingError as error:
        raise InvalidDocumentError([error.complaint]) from None
    value = (read_json if file.suffix == ".json" else read_yaml)(text).value
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        message = "Write a list of properties, as a document has under `properties`"
        raise InvalidDocumentError([Complaint("", "wrong_type", message)])
    return value


def _check_reason(reason: str | None, *, sets: bool, label: str) -> None:
    """End the command unless a reason is given exactly if something is set."""
    if sets and not reason:
        fail("say why, with --reason")
    if reason and not sets:
        fail(f"give {label} as well: a reason alone sets nothing")
    check_text("a reason", reason)
