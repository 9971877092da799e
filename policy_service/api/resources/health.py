"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.api.responses import answer
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from flask import Response

    from policy_service.services import Services


def alive(_: Services) -> Response:
    """The process answers."""
    return answer({"status": "ok"})


def ready(service: Services) -> Response:
    """The ledger can be written and signed.

    An empty transaction was committed, and no log was refused its checkpoint.
    """
    service.store.transact(lambda _: None)
    if service.checkpoints and (why := service.checkpoints.read_refusal()):
        raise ProblemError(ProblemCode.NOT_SIGNED, why)
    return answer({"status": "ready"})
