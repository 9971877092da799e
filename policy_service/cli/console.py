"""The parts that commands share: options, output, and the ends of a command."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
import orjson

from audit.errors import AuditError, NotALedgerError, StorageUnavailableError
from audit.stores.sqlite.store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policy_service.settings import Settings

EXIT_FINDING = 1
EXIT_WRONG_USE = 2


def load_settings() -> Settings:
    """Return the settings of the environment and the file that it names, or end the command."""
    # Importing this takes longer than most commands do, and many have no need of it.
    from policy_service.settings import Settings, SettingsError  # noqa: PLC0415

    try:
        return Settings.load()
    except SettingsError as error:
        fail("\n".join(error.complaints))


data_option: Callable[[Any], Any] = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: load_settings().data,
    show_default="the setting `data`",
    help="The folder of the ledger.",
)
json_option: Callable[[Any], Any] = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON."
)


def local_url(settings: Settings) -> str:
    """Return the URL at which a program on this machine reaches the service."""
    every_address = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not listened on
    host = every_address.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


@contextmanager
def open_ledger(data: Path) -> Iterator[SqliteStore]:
    """Yield the ledger of a folder; end the command with a message if there is none or it fails."""
    try:
        store = SqliteStore.open(data)
    except NotALedgerError as error:
        fail(f"{error}. `policy-service init --data {data}` makes one.")
    except AuditError as error:
        fail_with_ledger(error, data)
    with store:
        try:
            yield store
        except AuditError as error:
            fail_with_ledger(error, data)


def print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    """Print the value as JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def fail(message: str) -> NoReturn:
    """End the command as wrong use, with a message on standard error."""
    click.echo(f"policy-service: {message}", err=True)
    sys.exit(EXIT_WRONG_USE)


def fail_with_ledger(error: AuditError, data: Path) -> NoReturn:
    """End the command with an error of the ledger; name the folder if the disk caused it."""
    is_of_disk = isinstance(error, StorageUnavailableError)
    fail(f"the ledger in {data} cannot be used: {error}" if is_of_disk else str(error))


def exit_with_finding() -> NoReturn:
    """End the command with exit code 1; the finding has been printed."""
    sys.exit(EXIT_FINDING)
