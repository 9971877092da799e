"""The target of a step of a version: a folder or a server, and the key that takes the step.

The rules are those of the API: the role of the key grants permissions, and the author does not
approve. A step in a folder works with or without a running server; with `--url` a server takes it.
A key is read from a file or standard input, never from the arguments.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import click

from audit.verification.findings import escape_control
from policy_service import problems
from policy_service.access.keys import unauthorized_problem
from policy_service.access.permissions import check_permission, check_workspace
from policy_service.cli.console import (
    EXIT_WRONG_USE,
    data_option,
    exit_with_finding,
    fail,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.client import Client, NoAnswerError, RefusedRequestError
from policy_service.problems import ProblemCode, ProblemError
from policy_service.services import Services
from rules.errors import InvalidDocumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

    from policy_service.access.permissions import Permission
    from policy_service.policies.workspace_transaction import WorkspaceLedger

    UseCase = Callable[[WorkspaceLedger], dict[str, Any]]
    Ask = Callable[[Client], Any]

Options = TypeVar("Options", bound="Callable[..., Any]")

MAX_TEXT_LENGTH = 500
NO_KEY_MESSAGE = (
    "there is no such key: name the file that holds one with --key, or give it on standard input"
)
"""The message about a missing key, without the words about HTTP headers."""
FINDING_STATUSES = frozenset({409, 413, 422})
"""The statuses of problems that the document or the version causes.
Other problems are wrong use, except an approval by the author.
"""

document_file: Any = click.Path(exists=True, dir_okay=False, path_type=Path)
_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    data_option,
    click.option("--url", help="The URL of a server, instead of the folder."),
    click.option("--workspace", required=True, help="The workspace of the version."),
    click.option(
        "--key",
        type=click.File(lazy=True),
        default="-",
        help="A file with the key; the default is standard input.",
    ),
    json_option,
)


def target_options(command: Options) -> Options:
    """Add the options of every step: its target and its key."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a step, and the key that takes it."""

    data: Path
    url: str | None
    workspace: str
    key: TextIO
    as_json: bool

    def run(self, permission: Permission, use_case: UseCase, ask: Ask) -> dict[str, Any]:
        """Run the use case in the folder if the key has the permission, or ask the server."""
        token = self.key.read().removeprefix("\ufeff").strip()
        if not (token.isascii() and token.isprintable()):
            raise unauthorized_problem()
        if self.url is not None:
            return self._ask_server(token, ask)
        with open_ledger(self.data) as store:
            services = Services(store)
            with store.read() as snapshot:
                caller = services.keyring.find_key(snapshot, token, store.now())
            if caller is None:
                raise unauthorized_problem()
            check_permission(caller, permission)
            check_workspace(caller, self.workspace)
            result = use_case(services.workspace_ledger(caller, self.workspace))
            services.key_usage.record(caller.id, store.now(), store)
            return result

    def _ask_server(self, token: str, ask: Ask) -> dict[str, Any]:
        try:
            with Client(cast("str", self.url), token) as client:
                return cast("dict[str, Any]", ask(client))
        except NoAnswerError as error:
            fail(f"{self.url} did not answer: {error}")


@contextmanager
def open_target(**options: Any) -> Iterator[Target]:  # noqa: ANN401
    """Yield the target; a refusal ends the command."""
    try:
        yield Target(**options)
    except RefusedRequestError as refused:
        _end_with_problem(refused.problem, as_json=options["as_json"])
    except (ProblemError, InvalidDocumentError) as error:
        _end_with_problem(
            cast("ProblemError", problems.to_problem(error)).as_json(), as_json=options["as_json"]
        )


def _end_with_problem(problem: Mapping[str, Any], *, as_json: bool) -> NoReturn:
    """Print a refusal; exit with 1 if the document or the version caused it, else with 2."""
    if as_json:
        print_json(problem)
    else:
        detail = (
            NO_KEY_MESSAGE if problem["code"] == ProblemCode.UNAUTHORIZED else problem["detail"]
        )
        click.echo(f"policy-service: {escape_control(detail)}", err=True)
        for error in problem.get("errors", ()):
            line = f"line {error['line']}, " if "line" in error else ""
            text = escape_control(f"{line}{error['pointer'] or '/'}: {error['message']}")
            click.echo(f"  {text} ({error['code']})", err=True)
    if (
        problem["status"] in FINDING_STATUSES
        or problem["code"] == ProblemCode.PROPOSER_MAY_NOT_APPROVE
    ):
        exit_with_finding()
    sys.exit(EXIT_WRONG_USE)


def check_text(label: str, text: str | None) -> None:
    """End the command if a text is too long."""
    if text is not None and len(text) > MAX_TEXT_LENGTH:
        fail(f"{label} has at most {MAX_TEXT_LENGTH} characters")
