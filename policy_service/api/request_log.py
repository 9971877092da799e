"""Request middleware: request id, access log, metrics and security headers."""

from __future__ import annotations

import logging
import random
import re
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, g, request

from policy_service.api.route import template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from policy_service.observability.metrics import Metrics

QUIET = frozenset({"/healthz"})
"""Routes that are called all the time; the access log leaves them out."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The headers of every response that does not set them itself."""
ID = "policy_service.request"
BEGAN = "policy_service.began"
"""The keys of a request's id and start in its WSGI environment."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_log = logging.getLogger("policy_service.request")


def register(app: Flask, metrics: Metrics) -> None:
    """Add the middleware to the application; it also sees refused requests."""
    app.wsgi_app = request_middleware(app.wsgi_app)  # type: ignore[assignment, method-assign]  # as Flask's documentation does
    app.after_request(partial(_record, metrics))


def request_middleware(app: WSGIApplication) -> WSGIApplication:
    """Return the application with an id and a start time for each request, and response headers.

    It wraps Flask, because a header costs a tenth here of what it costs inside.
    """

    def with_id(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[BEGAN] = time.perf_counter()
        identity = environ[ID] = request_id(environ.get("HTTP_X_REQUEST_ID", ""))

        def start(status: str, headers: list[tuple[str, str]], *failed: Any) -> Any:  # noqa: ANN401 - as the standard has it
            there = {name for name, _ in headers}
            more = [each for each in HEADERS.items() if each[0] not in there]
            return start_response(status, [*headers, ("X-Request-Id", identity), *more], *failed)

        return app(environ, start)

    return with_id


def _record(metrics: Metrics, answered: Response) -> Response:
    asked = request.environ
    seconds = time.perf_counter() - asked[BEGAN]
    route = template(request.url_rule.rule) if request.url_rule else "none"
    method = asked["REQUEST_METHOD"] if asked["REQUEST_METHOD"] in METHODS else "other"
    metrics.count_request(route, method, answered.status_code, seconds)
    if route not in QUIET and _log.isEnabledFor(logging.INFO):
        said = {
            "request": asked[ID],
            "method": method,
            "route": route,
            "status": answered.status_code,
            "ms": round(seconds * 1000, 2),
            "bytes": answered.content_length,
            "key": g.get("key_id"),
        }
        _log.info("request", extra={"members": said})
    return answered


def request_id(sent: str) -> str:
    """Return the id that the client sent if it is well-formed, and a new id if it is not."""
    return sent if _ID.fullmatch(sent) else f"{random.getrandbits(64):016x}"
