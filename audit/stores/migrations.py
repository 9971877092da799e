"""Migrations of SQLite files: each step brings a file from one format to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from sqlite_utils import Database


def migrate(
    connection: sqlite3.Connection, file: str, steps: Sequence[Callable[[Database], None]]
) -> None:
    """Apply the steps that a file lacks, in order; the first step makes format 1.

    The file records the steps that were applied to it, under the name `file`.
    """
    # Importing this library takes longer than most commands do, and few of them migrate.
    from sqlite_utils import Database, Migrations  # noqa: PLC0415

    migrations = Migrations(file)
    for number, step in enumerate(steps, start=1):
        migrations(name=f"format {number}")(step)
    migrations.apply(Database(connection, execute_plugins=False))
