"""Every refusal as problem details (RFC 9457), whatever raised it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
from flask import Response, request
from werkzeug.exceptions import HTTPException, NotFound

from policy_service import problems
from policy_service.api.request_log import ID
from policy_service.api.requests import discard_rest
from policy_service.problems import RETRY_STATUSES, ProblemCode, ProblemError

if TYPE_CHECKING:
    from flask import Flask

    from policy_service.observability.instrumentation import DecisionMetrics

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)

_OF_HTTP = {
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.TOO_LARGE,
}
"""The codes of what Flask itself refuses; any other is a bad request."""


def register(app: Flask, metrics: DecisionMetrics) -> None:
    def refuse(error: Exception) -> Response:
        problem = problem_of(error)
        metrics.count_refusal(problem.code)
        discard_rest()
        if problem.code == ProblemCode.NOT_FOUND:
            members = {"request": request.environ.get(ID), "path": request.path}
            _log.debug("not found", extra={"members": members})  # a path may hold personal data
        return response(problem, error)

    app.register_error_handler(Exception, refuse)


def problem_of(error: Exception) -> ProblemError:
    """The problem that an error is to the one who asked; one that nobody expected is logged."""
    match error:
        case NotFound():
            return ProblemError(
                ProblemCode.NOT_FOUND, "No call has this path; GET /docs lists the calls"
            )
        case HTTPException(code=int(status)) if status in _OF_HTTP:
            return ProblemError(_OF_HTTP[status], error.description or "")
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own line
            return ProblemError(ProblemCode.INVALID_REQUEST, error.description or "")
    if expected := problems.to_problem(error):
        return expected
    _log.error(
        "internal error", exc_info=error, extra={"members": {"request": request.environ.get(ID)}}
    )
    return ProblemError(
        ProblemCode.INTERNAL_ERROR, "The failure was logged; nothing was acknowledged"
    )


def response(problem: ProblemError, error: Exception | None = None) -> Response:
    """The problem as a response, with the headers its status asks for."""
    body = orjson.dumps(problem.as_json())
    answered = Response(body, problem.status, content_type=MEDIA_TYPE)
    if problem.code == ProblemCode.UNAUTHORIZED:
        answered.headers["WWW-Authenticate"] = 'Bearer realm="policy-service"'
    if problem.status in RETRY_STATUSES:
        answered.headers["Retry-After"] = str(problem.retry_after)
    if isinstance(error, HTTPException) and (allow := dict(error.get_headers()).get("Allow")):
        answered.headers["Allow"] = allow
    return answered
