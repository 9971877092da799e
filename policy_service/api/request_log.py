"""What is seen of every request: an id, a line in the log, numbers; and headers on every answer."""

from __future__ import annotations

import logging
import random
import re
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, g, request

from audit.errors import StorageUnavailableError
from policy_service.api.route import template

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from flask import Flask

    from policy_service.observability.metrics import Metrics
    from policy_service.services import Services

QUIET = frozenset({"/healthz"})
"""Routes that are asked all the time; nothing is logged of them."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""On every answer that does not say otherwise."""
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METRICS = "policy_service.observability.metrics"
"""Where the application keeps them."""
ID = "policy_service.request"
BEGAN = "policy_service.began"
"""Where a request's WSGI environment has its id, and when it came."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_log = logging.getLogger("policy_service.request")


def register(app: Flask, metrics: Metrics) -> None:
    """Watch every request of the application, also those it refuses."""
    app.extensions[METRICS] = metrics
    app.wsgi_app = marking(app.wsgi_app)  # type: ignore[assignment, method-assign]  # as Flask's documentation does
    app.after_request(partial(_record, metrics))


def marking(app: WSGIApplication) -> WSGIApplication:
    """The application, every request with an id and the time it began, every answer with headers.

    Around Flask, because there a header costs a tenth of what it does inside.
    """

    def marked(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ[BEGAN] = time.perf_counter()
        identity = environ[ID] = request_id(environ.get("HTTP_X_REQUEST_ID", ""))

        def start(status: str, headers: list[tuple[str, str]], *failed: Any) -> Any:  # noqa: ANN401 - as the standard has it
            there = {name for name, _ in headers}
            more = [each for each in HEADERS.items() if each[0] not in there]
            return start_response(status, [*headers, ("X-Request-Id", identity), *more], *failed)

        return app(environ, start)

    return marked


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
    """The id that came with the request where it may be one, else a new one."""
    return sent if _ID.fullmatch(sent) else f"{random.getrandbits(64):016x}"


def metrics(service: Services) -> Response:
    """What is counted and measured, for Prometheus."""
    shown: Metrics = current_app.extensions[METRICS]
    size = lag = None
    with suppress(StorageUnavailableError), service.store.read() as snapshot:
        size = snapshot.size()
        lag = service.checkpoints.lag(snapshot) if service.checkpoints else None
    return Response(shown.text(size, lag), content_type=CONTENT_TYPE)
