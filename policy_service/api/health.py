"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.api.answers import answer

if TYPE_CHECKING:
    from flask import Response

    from policy_service.service import Service


def alive(_: Service) -> Response:
    """The process answers."""
    return answer({"status": "ok"})


def ready(service: Service) -> Response:
    """The ledger can be written: an empty transaction was committed."""
    service.store.transact(lambda _: None)
    return answer({"status": "ready"})
