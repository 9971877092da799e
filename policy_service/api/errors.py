"""Every refusal as problem details (RFC 9457), whatever raised it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import orjson
from flask import Response
from werkzeug.exceptions import HTTPException

from audit.errors import AuditError, Busy, StorageUnavailable
from policy_service.problems import RETRY_AFTER, Problem
from rules.errors import DocumentRefused, EventRefused
from rules.ijson import NotIJson

if TYPE_CHECKING:
    from flask import Flask

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)

_OF_HTTP = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
"""The codes of what Flask itself refuses; any other is a bad request."""


def register(app: Flask) -> None:
    for error in (Problem, EventRefused, DocumentRefused, NotIJson, AuditError, HTTPException):
        app.register_error_handler(error, lambda refused: response(problem_of(refused), refused))
    app.register_error_handler(Exception, _unexpected)


def problem_of(error: Exception) -> Problem:
    """The problem that an expected error is to the one who asked."""
    match error:
        case Problem():
            return error
        case EventRefused():
            return Problem("invalid_event", "The event was refused", error.complaints)
        case DocumentRefused():
            return Problem("invalid_document", "The document was refused", error.complaints)
        case NotIJson():
            return Problem("invalid_json", str(error), [error.complaint])
        case Busy():
            return Problem("busy", "Too many writes are waiting; nothing was written")
        case StorageUnavailable():
            return Problem("storage_unavailable", f"{error}; nothing was written")
        case HTTPException(code=int(status)) if status in _OF_HTTP:
            return Problem(_OF_HTTP[status], error.description or "")
        case HTTPException(code=int(status)) if status < 500:  # noqa: PLR2004 - HTTP's own line
            return Problem("invalid_request", error.description or "")
    _log.error("internal error", exc_info=error)
    return Problem("internal_error", "The failure was logged; nothing was acknowledged")


def response(problem: Problem, error: Exception | None = None) -> Response:
    """The problem as a response, with the headers its status asks for."""
    body = orjson.dumps(problem.as_json())
    answered = Response(body, problem.status, content_type=MEDIA_TYPE)
    if problem.code == "unauthorized":
        answered.headers["WWW-Authenticate"] = 'Bearer realm="policy-service"'
    if problem.status == 503:  # noqa: PLR2004 - the one status that promises a later try
        answered.headers["Retry-After"] = str(RETRY_AFTER)
    if isinstance(error, HTTPException) and (allow := dict(error.get_headers()).get("Allow")):
        answered.headers["Allow"] = allow
    return answered


def _unexpected(error: Exception) -> Response:
    return response(problem_of(error))
