"""What stands beside an entry, as it is shown to auditors."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from audit.entry import Personal


def personal_view(personal: Personal | None) -> dict[str, Any] | None:
    """Salt and personal part, so that the commitment can be opened; null where there is none."""
    if personal is None:
        return None
    salt = base64.b64encode(personal.salt).decode()
    return {"salt": salt, "part": orjson.loads(personal.part)}
