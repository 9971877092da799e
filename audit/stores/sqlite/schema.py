"""The tables of a ledger in SQLite, and the triggers that make them append-only.

The triggers apply to every connection. An `INSERT OR REPLACE` bypasses triggers on update and
delete, so a trigger before the insert refuses a row that would replace another: a key that exists,
and any `seq` or `idx` except the next. An owner of the file can break this; the verifier detects
it.

Each format is the result of one migration of the format before. Older formats can be read; before
the first write they are upgraded to the newest.
"""

# ruff: noqa: S608 - the inserted names are from the tables of this module

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.stores.contract import ALREADY_DECIDED_MESSAGE
from audit.stores.migrations import migrate

if TYPE_CHECKING:
    import sqlite3

    from sqlite_utils import Database

APPLICATION_ID = 0x504C4447  # "PLDG"
FORMAT = 5
PAGE_SIZE = 4096

_TABLES = (
    """
    CREATE TABLE logs (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        size INTEGER NOT NULL,
        root BLOB NOT NULL,
        frontier BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE entries (
        seq INTEGER PRIMARY KEY,
        log INTEGER NOT NULL REFERENCES logs (id),
        idx INTEGER NOT NULL,
        kind TEXT NOT NULL,
        at TEXT NOT NULL,
        event TEXT,
        conversation TEXT,
        id TEXT,
        outcome TEXT,
        reason TEXT,
        rule TEXT,
        version INTEGER,
        rest BLOB NOT NULL,
        leaf_hash BLOB NOT NULL CHECK (length(leaf_hash) = 32),
        UNIQUE (log, idx)
    ) STRICT
    """,
    "CREATE UNIQUE INDEX entries_by_event ON entries (log, event) WHERE kind = 'decision'",
    """
    CREATE INDEX entries_by_conversation ON entries (log, conversation)
    WHERE conversation IS NOT NULL
    """,
    "CREATE INDEX entries_by_id ON entries (log, id) WHERE id IS NOT NULL",
    "CREATE INDEX entries_by_kind ON entries (log, kind, idx) WHERE kind <> 'decision'",
    """
    CREATE TABLE contacts (
        ref INTEGER PRIMARY KEY,
        log INTEGER NOT NULL REFERENCES logs (id),
        contact TEXT NOT NULL,
        UNIQUE (log, contact)
    ) STRICT
    """,
    """
    CREATE TABLE personal (
        entry INTEGER PRIMARY KEY REFERENCES entries (seq),
        contact INTEGER NOT NULL REFERENCES contacts (ref),
        body BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX personal_by_contact ON personal (contact)",
    """
    CREATE TABLE documents (
        digest TEXT PRIMARY KEY,
        body BLOB NOT NULL
    ) STRICT, WITHOUT ROWID
    """,
)

_INSERT_TRIGGERS = {
    "entries": f"""
        SELECT CASE
            WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM entries)
                THEN RAISE(ABORT, 'entries: seq must be the next')
            WHEN NEW.idx IS NOT
                (SELECT coalesce(max(idx), -1) + 1 FROM entries WHERE log = NEW.log)
                THEN RAISE(ABORT, 'entries: idx must be the next of its log')
            WHEN NOT EXISTS (SELECT 1 FROM logs WHERE id = NEW.log)
                THEN RAISE(ABORT, 'entries: there is no such log')
            WHEN NEW.kind = 'decision' AND EXISTS (
                SELECT 1 FROM entries
                WHERE log = NEW.log AND event = NEW.event AND kind = 'decision'
            )
                THEN RAISE(ABORT, '{ALREADY_DECIDED_MESSAGE}')
        END
    """,
    "logs": """
        SELECT RAISE(ABORT, 'logs: a log begins empty and is never replaced')
        WHERE NEW.size <> 0 OR EXISTS (
            SELECT 1 FROM logs WHERE id = NEW.id OR name = NEW.name
        )
    """,
    "contacts": """
        SELECT RAISE(ABORT, 'contacts: never replaced')
        WHERE EXISTS (
            SELECT 1 FROM contacts
            WHERE ref = NEW.ref OR (log = NEW.log AND contact = NEW.contact)
        )
    """,
    "personal": """
        SELECT RAISE(ABORT, 'personal: written with its entry, never replaced')
        WHERE NEW.entry IS NOT (SELECT max(seq) FROM entries)
            OR EXISTS (SELECT 1 FROM personal WHERE entry = NEW.entry)
    """,
    "documents": """
        SELECT RAISE(ABORT, 'documents: never replaced')
        WHERE EXISTS (SELECT 1 FROM documents WHERE digest = NEW.digest)
    """,
}

_LOG_GROWS = """
    CREATE TRIGGER logs_update BEFORE UPDATE ON logs
    WHEN NEW.id IS NOT OLD.id OR NEW.name IS NOT OLD.name OR NEW.size <= OLD.size
        OR NEW.size IS NOT (SELECT max(idx) + 1 FROM entries WHERE log = OLD.id)
    BEGIN
        SELECT RAISE(ABORT, 'logs: a log only grows, to the size its entries have');
    END
"""

_NEVER_UPDATED = ("entries", "contacts", "personal", "documents")
_NEVER_DELETED = ("entries", "logs", "documents")


def _format_1(db: Database) -> None:
    for statement in _TABLES:
        db.execute(statement)
    for table in _INSERT_TRIGGERS:
        db.execute(trigger_on_insert(table))
    db.execute(_LOG_GROWS)
    for table in _NEVER_UPDATED:
        db.execute(_refusal(table, "UPDATE"))
    for table in _NEVER_DELETED:
        db.execute(_refusal(table, "DELETE"))
    db.execute("PRAGMA user_version = 1")


def _format_2(db: Database) -> None:
    db.execute(
        "CREATE TABLE last_uses (key TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID"
    )
    db.execute("PRAGMA user_version = 2")


def _format_3(db: Database) -> None:
    """Encrypt personal parts; find contacts by pseudonyms alone."""
    db.execute("CREATE TABLE erased (contact INTEGER PRIMARY KEY) STRICT")
    for verb in ("UPDATE", "DELETE"):
        db.execute(_refusal("erased", verb))
    db.execute("PRAGMA user_version = 3")


def _format_4(db: Database) -> None:
    db.execute("""
        CREATE TABLE kept (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            log TEXT NOT NULL,
            finished INTEGER NOT NULL,
            body BLOB NOT NULL
        ) STRICT
    """)
    db.execute("PRAGMA user_version = 4")


def _format_5(db: Database) -> None:
    """Insert a personal part before its entry, so that many of both can be written at once."""
    db.execute("DROP TRIGGER personal_insert")
    db.execute("""
        CREATE TRIGGER personal_insert BEFORE INSERT ON personal BEGIN
            SELECT RAISE(ABORT, 'personal: written ahead of its entry, never replaced')
            WHERE NEW.entry <= (SELECT coalesce(max(seq), 0) FROM entries)
                OR EXISTS (SELECT 1 FROM personal WHERE entry = NEW.entry);
        END
    """)
    db.execute("PRAGMA user_version = 5")


_MIGRATIONS = (_format_1, _format_2, _format_3, _format_4, _format_5)
"""The migration to each format from the format before."""


def trigger_on_insert(table: str) -> str:
    """Return the statement that creates the trigger before an insert into the table."""
    check = _INSERT_TRIGGERS[table]
    return f"CREATE TRIGGER {table}_insert BEFORE INSERT ON {table} BEGIN {check}; END"


def _refusal(table: str, verb: str) -> str:
    return (
        f"CREATE TRIGGER {table}_{verb.lower()} BEFORE {verb} ON {table}"
        f" BEGIN SELECT RAISE(ABORT, '{table}: append-only'); END"
    )


def format_of(connection: sqlite3.Connection) -> int:
    """Return the format that the database states."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def create(connection: sqlite3.Connection, of_format: int = FORMAT) -> None:
    """Create the tables in an empty database, in the newest format unless another is given."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    migrate(connection, "ledger", _MIGRATIONS[:of_format])
    connection.execute("PRAGMA journal_mode = WAL")


def upgrade(connection: sqlite3.Connection) -> None:
    """Upgrade the tables of a ledger of an older format to the newest."""
    migrate(connection, "ledger", _MIGRATIONS)
