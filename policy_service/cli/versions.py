"""Versions from files, for teams that keep their documents in git: the steps that a key takes.

The same steps under the same rules as over HTTP: a key's role says what it may do, and whoever
proposed does not approve. They are taken in a folder, beside a running server or without one, or
asked of a server at `--url`. A key is read from a file or standard input, never from the arguments.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from policy_service import problems
from policy_service.api import versions as views
from policy_service.api.guard import check_may
from policy_service.api.routes import ROUTES
from policy_service.cli.terminal import (
    WRONG_USE,
    data_option,
    fail,
    found,
    json_option,
    opened,
    printable,
    show,
)
from policy_service.client import Client, Refused, Unanswered
from policy_service.keys import unauthorized
from policy_service.problems import Problem
from policy_service.service import Service
from policy_service.versions import VersionSteps, version_view
from rules.errors import Complaint, DocumentRefused
from rules.ijson import NotIJson, loads
from rules.time import moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from audit.store import Transaction
    from audit.versions import VersionRecord

    Step = Callable[[VersionSteps], VersionRecord]
    Ask = Callable[[Client], Any]

Options = TypeVar("Options", bound="Callable[..., Any]")

LONGEST_TEXT = 500
FINDINGS = frozenset({409, 413, 422})
"""The statuses of problems that lie in the document or the version; any other is wrong use, but
that whoever proposed would approve."""

_document_file: Any = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    data_option,
    click.option("--url", help="The address of a server to ask, in the place of the folder."),
    click.option("--workspace", required=True, help="The workspace whose version it is."),
    click.option(
        "--key",
        type=click.File(lazy=True),
        default="-",
        help="A file that holds the key; else standard input.",
    ),
    json_option,
)


def _where_and_who(command: Options) -> Options:
    """The options of every step: where it is taken, and the key that takes it."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@_where_and_who
@click.argument("file", type=_document_file)
@click.option("--note", help="What it changes and why; kept for good, not for personal data.")
def propose(file: Path, note: str | None, **where: Any) -> None:  # noqa: ANN401 - the options of every step
    """Propose a document as the next version; the exit code is 1 where it is refused."""
    _check_text("a note", note)
    with _place(**where) as place:
        written = _written(file)
        document = views.document_from(written)
        place.take(
            views.propose,
            lambda steps: steps.propose(document, note),
            lambda client: client.propose(place.workspace, written, note),
        )


@click.command()
@_where_and_who
@click.argument("version", type=click.IntRange(1))
@click.option("--digest", help="The digest of what is agreed to.")
@click.option("--file", type=_document_file, help="Or the document that is agreed to.")
def approve(version: int, digest: str | None, file: Path | None, **where: Any) -> None:  # noqa: ANN401
    """Agree to a proposed version, with another key than proposed it."""
    if (digest is None) == (file is None):
        fail("give --digest or --file: what is agreed to")
    with _place(**where) as place:
        agreed = digest or views.document_from(_written(cast("Path", file))).digest
        place.take(
            views.approve,
            lambda steps: steps.approve(version, agreed),
            lambda client: client.approve(place.workspace, version, agreed),
        )


@click.command()
@_where_and_who
@click.argument("version", type=click.IntRange(1))
@click.option("--reason", required=True, help="Why; kept for good, not for personal data.")
def reject(version: int, reason: str, **where: Any) -> None:  # noqa: ANN401
    """Refuse a proposed version for good."""
    _check_text("a reason", reason)
    with _place(**where) as place:
        place.take(
            views.reject,
            lambda steps: steps.reject(version, reason),
            lambda client: client.reject(place.workspace, version, reason),
        )


@click.command()
@_where_and_who
@click.argument("version", type=click.IntRange(1))
@click.option("--at", help="An RFC 3339 time from which on it decides; else now.")
@click.option("--percent", type=click.IntRange(1, 100), help="For so many of 100 conversations.")
@click.option("--shadow", is_flag=True, help="Decide nothing; record what it would decide.")
@click.option("--apply-to-running", is_flag=True, help="Also for conversations that have begun.")
def activate(
    version: int,
    at: str | None,
    percent: int | None,
    *,
    shadow: bool,
    apply_to_running: bool,
    **where: Any,  # noqa: ANN401
) -> None:
    """Let an approved version decide; activating an older one is rolling back."""
    try:
        if at is not None:
            moment(at)
    except ValueError as error:
        fail(f"--at is an RFC 3339 time with an offset: {error}")
    how: dict[str, Any] = {
        "at": at,
        "percent": percent,
        "shadow": shadow,
        "apply_to_running": apply_to_running,
    }
    with _place(**where) as place:
        activation = views.activation_from(cast("views.ActivationRequest", how))
        place.take(
            views.activate,
            lambda steps: steps.activate(version, activation),
            lambda client: client.activate(place.workspace, version, **how),
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a step is taken, and by whose key."""

    data: Path
    url: str | None
    workspace: str
    key: TextIO
    as_json: bool

    def take(self, view: Callable[..., Any], step: Step, ask: Ask) -> None:
        """Take the step as the view would, or ask for it; show the version as it is after it."""
        token = self.key.read().strip()
        if not (token.isascii() and token.isprintable()):
            raise unauthorized()
        version = self._taken(token, view, step) if self.url is None else self._asked(token, ask)
        if self.as_json:
            show(version)
        else:
            name = f"version {version['version']} of {self.workspace}"
            click.echo(f"{name} is {version['status']}: {version['digest']}")

    def _taken(self, token: str, view: Callable[..., Any], step: Step) -> dict[str, Any]:
        route = next(route for route in ROUTES if route.view is view)
        with opened(self.data) as store:
            service = Service(store)

            def work(tx: Transaction) -> dict[str, Any]:
                caller = service.keyring.holder(tx, token, tx.now)
                if caller is None:
                    raise unauthorized()
                check_may(route, caller, {"workspace": self.workspace})
                service.uses.note_in(tx, caller.id)
                record = step(VersionSteps(tx, service.policies, self.workspace, caller))
                return version_view(record, service.policies.versions(tx, self.workspace))

            return store.transact(work)

    def _asked(self, token: str, ask: Ask) -> dict[str, Any]:
        try:
            with Client(cast("str", self.url), token) as client:
                return cast("dict[str, Any]", ask(client))
        except Unanswered as error:
            fail(f"{self.url} did not answer: {error}")


@contextmanager
def _place(**options: Any) -> Iterator[_Place]:  # noqa: ANN401
    """Where the step is taken; what refuses it ends the command."""
    try:
        yield _Place(**options)
    except Refused as refused:
        _end(refused.problem, as_json=options["as_json"])
    except (Problem, DocumentRefused) as error:
        _end(cast("Problem", problems.of(error)).as_json(), as_json=options["as_json"])


def _end(problem: Mapping[str, Any], *, as_json: bool) -> NoReturn:
    """Show what was refused; a finding where that lies in the document or the version."""
    if as_json:
        show(problem)
    else:
        click.echo(f"policy-service: {printable(problem['detail'])}", err=True)
        for error in problem.get("errors", ()):
            line = f"line {error['line']}, " if "line" in error else ""
            said = printable(f"{line}{error['pointer'] or '/'}: {error['message']}")
            click.echo(f"  {said} ({error['code']})", err=True)
    if problem["status"] in FINDINGS or problem["code"] == "proposer_may_not_approve":
        found()
    sys.exit(WRONG_USE)


def _written(file: Path) -> dict[str, Any] | str:
    """What is sent of a file: JSON as an object, anything else as the YAML text that it is."""
    body = file.read_bytes()
    try:
        return cast("dict[str, Any]", loads(body)) if file.suffix == ".json" else body.decode()
    except NotIJson as error:
        raise DocumentRefused([error.complaint]) from None
    except UnicodeDecodeError:
        raise DocumentRefused([Complaint("", "not_utf_8", "The file is not UTF-8")]) from None


def _check_text(what: str, text: str | None) -> None:
    if text is not None and len(text) > LONGEST_TEXT:
        fail(f"{what} has at most {LONGEST_TEXT} characters")
