"""Problem details (RFC 9457) for every error that a request ends with."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
from flask import request
from werkzeug.exceptions import HTTPException, NotFound

from policy_service import problems
from policy_service.api.flask_adapter import drain_body, flask_response
from policy_service.api.media import PROBLEM_JSON
from policy_service.api.request_log import ID
from policy_service.api.responses import Response
from policy_service.problems import RETRY_STATUSES, ProblemCode, ProblemError

if TYPE_CHECKING:
    import flask

    from policy_service.observability.instrumentation import DecisionMetrics

_log = logging.getLogger(__name__)

_CODES = {
    405: ProblemCode.METHOD_NOT_ALLOWED,
    413: ProblemCode.TOO_LARGE,
}
"""The codes of statuses that Flask refuses with; any other refusal is a bad request."""


def register(app: flask.Flask, metrics: DecisionMetrics) -> None:
    """Answer every error of the application with problem details."""

    def refuse(error: Exception) -> flask.Response:
        problem = problem_of(error, request.environ.get(ID))
        metrics.count_refusal(problem.code)
        drain_body()
        if problem.code is ProblemCode.NOT_FOUND:
            members = {"request": request.environ.get(ID), "path": request.path}
            _log.debug("not found", extra={"members": members})  # a path may hold personal data
        response = flask_response(problem_response(problem))
        if isinstance(error, HTTPException) and (allow := dict(error.get_headers()).get("Allow")):
            response.headers["Allow"] = allow
        return response

    app.register_error_handler(Exception, refuse)


def problem_of(error: Exception, request_id: str | None) -> ProblemError:
    """Return the problem that the caller gets for an error; log an unexpected error."""
    match error:
        case NotFound():
            return ProblemError(
                ProblemCode.NOT_FOUND, "No call has this path; GET /docs lists the calls"
            )
        case HTTPException(code=int(status)) if status in _CODES:
            return ProblemError(_CODES[status], error.description or "")
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own line
            return ProblemError(ProblemCode.INVALID_REQUEST, error.description or "")
    if expected := problems.to_problem(error):
        return expected
    _log.error("internal error", exc_info=error, extra={"members": {"request": request_id}})
    return ProblemError(
        ProblemCode.INTERNAL_ERROR, "The failure was logged; nothing was acknowledged"
    )


def problem_response(problem: ProblemError) -> Response:
    """Return the problem as a response, with the headers of its status."""
    headers = {}
    if problem.code is ProblemCode.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="policy-service"'
    if problem.status in RETRY_STATUSES:
        headers["Retry-After"] = str(problem.retry_after)
    return Response(problem.status, PROBLEM_JSON, orjson.dumps(problem.as_json()), headers)
