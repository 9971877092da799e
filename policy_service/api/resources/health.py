"""Health and metrics of the process."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from audit.errors import StorageUnavailableError
from policy_service.api.media import TEXT, TEXT_SCHEMA
from policy_service.api.responses import Content, Reply
from policy_service.api.route import Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from policy_service.services import Services

METRICS_EXAMPLE = """\
# HELP policy_service_decisions_total decisions that were written
# TYPE policy_service_decisions_total counter
policy_service_decisions_total{outcome="ask"} 41.0
"""


class LivenessSchema(AnswerSchema):
    """The process answers."""

    status = fields.one_of(["ok"])


class ReadinessSchema(AnswerSchema):
    """The process can do its work."""

    status = fields.one_of(["ready"])


def check_liveness(_: Services) -> Reply:
    """Check that the process answers."""
    return Reply({"status": "ok"})


def check_readiness(services: Services) -> Reply:
    """Check that the ledger can be written and signed.

    An empty transaction is committed, and the checkpoint of every log must be signed.
    """
    services.store.transact(lambda _: None)
    if services.checkpoints and (refusal := services.checkpoints.read_refusal()):
        raise ProblemError(ProblemCode.NOT_SIGNED, refusal)
    return Reply({"status": "ready"})


def get_metrics(services: Services) -> Reply:
    """Get metrics for Prometheus."""
    size = lag = None
    with suppress(StorageUnavailableError), services.store.read() as snapshot:
        size = snapshot.size()
        lag = services.checkpoints.lag(snapshot) if services.checkpoints else None
    return Reply(services.metrics.text(size, lag))


ROUTES = (
    Route(
        "GET",
        "/healthz",
        check_liveness,
        None,
        Content(LivenessSchema, {"status": "ok"}),
    ),
    Route(
        "GET",
        "/readyz",
        check_readiness,
        None,
        Content(ReadinessSchema, {"status": "ready"}),
        problems=(
            ProblemCode.BUSY,
            ProblemCode.STORAGE_UNAVAILABLE,
            ProblemCode.NOT_SIGNED,
        ),
    ),
    Route(
        "GET",
        "/metrics",
        get_metrics,
        None,
        Content(TEXT_SCHEMA, METRICS_EXAMPLE, content_type=f"{TEXT}; version=0.0.4; charset=utf-8"),
    ),
)
