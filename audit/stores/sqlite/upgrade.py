"""The upgrade of a ledger of an older format to the newest, while no other process writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.entry import SALT_SIZE, PersonalData
from audit.stores.encryption import encrypt_personal_data
from audit.stores.sqlite import schema

if TYPE_CHECKING:
    import sqlite3

    from audit.stores.files.contact_keys import ContactKeys

ENCRYPTED_SINCE = 3
"""The first format with encrypted personal parts; before: a 0, the salt and the part."""


def upgrade(connection: sqlite3.Connection, keys: ContactKeys) -> None:
    """Upgrade the ledger to the newest format. An interrupted upgrade starts again."""
    if schema.format_of(connection) < ENCRYPTED_SINCE:
        connection.execute("BEGIN IMMEDIATE")
        _encrypt_all(connection, keys)
        connection.execute("COMMIT")
    if schema.format_of(connection) < schema.FORMAT:
        schema.upgrade(connection)


def _encrypt_all(connection: sqlite3.Connection, keys: ContactKeys) -> None:
    contacts = connection.execute("""
        SELECT ref, log, name, contact FROM contacts JOIN logs ON id = log
        WHERE (SELECT hex(substr(body, 1, 1)) FROM personal WHERE personal.contact = ref) = '00'
    """).fetchall()
    connection.execute(
        "DROP TRIGGER personal_insert"
    )  # it allows only the part of the newest entry
    numbers = {ref for ref, *_ in contacts}
    for ref, log_id, log, contact in contacts:
        while (number := keys.take_key()) in numbers:
            pass
        key = keys.key(number) or b""
        contact_row = number, log_id, keys.pseudonym(log, contact)
        connection.execute("INSERT INTO contacts (ref, log, contact) VALUES (?, ?, ?)", contact_row)
        parts = connection.execute(
            "SELECT entry, leaf_hash, body FROM personal JOIN entries ON seq = entry"
            " WHERE personal.contact = ?",
            (ref,),
        ).fetchall()
        connection.execute("DELETE FROM personal WHERE contact = ?", (ref,))
        for entry, leaf_hash, body in parts:
            part = PersonalData(contact, body[1 : 1 + SALT_SIZE], body[1 + SALT_SIZE :])
            row = entry, number, encrypt_personal_data(key, leaf_hash, part)
            connection.execute("INSERT INTO personal (entry, contact, body) VALUES (?, ?, ?)", row)
        connection.execute("DELETE FROM contacts WHERE ref = ?", (ref,))
    connection.execute(schema.trigger_on_insert("personal"))
