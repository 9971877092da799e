"""The service without sealing: personal parts stand open beside their entries, as in format 2.

It is named as the service's own module, so that `policy-service serve` with this folder first on
PYTHONPATH serves it: what differs is what sealing costs.
"""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

from audit.stores.files.contact_keys import ContactKeys
from audit.stores.sqlite import transaction

if TYPE_CHECKING:
    from audit.entry import PersonalData


def unsealed(key: bytes, leaf_hash: bytes, personal: PersonalData) -> bytes:
    del key, leaf_hash
    return b"\x00" + personal.salt + personal.part


def contact_itself(self: ContactKeys, log: str, contact: str) -> str:
    del self, log
    return contact


transaction.encrypt_personal_data = unsealed  # type: ignore[attr-defined]  # what is left out
ContactKeys.pseudonym = contact_itself  # type: ignore[method-assign]

app = run_path(str(Path(__file__).parents[2] / "wsgi.py"))["app"]
