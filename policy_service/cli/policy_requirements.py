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
from policy_service.policies import guardrails as properties_of
from policy_service.policies.policy_cache import load_document
from policy_service.policies.versions import (
    MAX_APPROVALS,
    VersionSteps,
    approvals_view,
    guardrails_view,
)
from rules.errors import Complaint, InvalidDocumentError
from rules.formats.document_text import read_json, read_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.contract import Transaction
    from policy_service.access.keys import Key
    from policy_service.cli.target import Target
    from policy_service.client import Client
    from policy_service.policies.guardrails import Properties
    from policy_service.services import Services

_reason = click.option("--reason", help="The reason. It is kept for good: no personal data.")


@click.command()
@target_options
@click.argument("count", type=click.IntRange(0, MAX_APPROVALS), required=False)
@_reason
def approvals(count: int | None, reason: str | None, **options: Any) -> None:  # noqa: ANN401 - the options of every step
    """Show the number of approvals that a version needs, or set it."""
    _check_reason(reason, sets=count is not None, label="COUNT")
    with open_target(**options) as target:
        _show_approvals(target, _get_or_set_approvals(target, count, reason or ""))


def _get_or_set_approvals(target: Target, count: int | None, reason: str) -> dict[str, Any]:
    def work(services: Services, tx: Transaction, caller: Key) -> dict[str, Any]:
        steps = VersionSteps(tx, services.policies, target.workspace, caller)
        if count is None:
            return approvals_view(services.policies.versions(tx, target.workspace))
        return approvals_view(steps.require(count, reason))

    def ask(client: Client) -> object:
        if count is None:
            return client.get_approvals(target.workspace)
        return client.require_approvals(target.workspace, count, reason)

    permission = Permission.READ_POLICIES if count is None else Permission.SET_APPROVALS
    return target.run_step(permission, work, ask)


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
    def work(services: Services, tx: Transaction, _: Key) -> dict[str, Any]:
        versions = services.policies.versions(tx, target.workspace)
        return guardrails_view(properties_of.read_guardrails(tx, versions), versions)

    return target.run_step(
        Permission.READ_POLICIES, work, lambda c: c.get_guardrails(target.workspace)
    )


def _set_guardrails(target: Target, properties: Properties, reason: str) -> dict[str, Any]:
    def check(services: Services) -> None:
        with services.store.read() as snapshot:
            active = services.policies.active_version(snapshot, target.workspace)
            properties_of.check_guardrails(load_document(snapshot, active.digest), properties)

    def work(services: Services, tx: Transaction, caller: Key) -> dict[str, Any]:
        steps = VersionSteps(tx, services.policies, target.workspace, caller)
        return guardrails_view(properties, steps.guard(properties, reason))

    def ask(client: Client) -> object:
        return client.set_guardrails(target.workspace, properties, reason)

    return target.run_step(Permission.SET_GUARDRAILS, work, ask, check)


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
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        raise InvalidDocumentError([Complaint("", "not_utf_8", "The file is not UTF-8")]) from None
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
