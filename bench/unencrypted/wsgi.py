"""The service without encryption: personal parts are stored in the clear, as in format 2.

The module has the name of the service's own. So `policy-service serve`, with this folder first on
PYTHONPATH, serves it, and the difference is the cost of encryption.
"""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

from audit.stores.files.contact_keys import ContactKeys
from audit.stores.sqlite import transaction

if TYPE_CHECKING:
    from audit.entry import PersonalData


def leave_unencrypted(key: bytes, leaf_hash: bytes, personal: PersonalData) -> bytes:
    """Return the stored form of format 2."""
    del key, leaf_hash
    return b"\x00" + personal.salt + personal.part


def use_contact_id(self: ContactKeys, log: str, contact: str) -> str:
    """Return the contact id instead of a pseudonym."""
    del self, log
    return contact


transaction.encrypt_personal_data = leave_unencrypted  # type: ignore[attr-defined]  # encryption is left out
ContactKeys.pseudonym = use_contact_id  # type: ignore[method-assign]

app = run_path(str(Path(__file__).parents[2] / "wsgi.py"))["app"]
