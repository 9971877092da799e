"""What is seen of every request: an id, a line in the log, numbers; and headers on every answer."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from flask import Response, current_app, g, request

from policy_service.api.route import template

if TYPE_CHECKING:
    from flask import Flask

    from policy_service.metrics import Metrics
    from policy_service.service import Service

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
METRICS = "policy_service.metrics"
"""Where the application keeps them."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)

_log = logging.getLogger("policy_service.request")


def register(app: Flask, metrics: Metrics) -> None:
    """Watch every request of the application, also those it refuses."""

    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = request_id()
        g.key_id = None

    def end(answered: Response) -> Response:
        seconds = time.perf_counter() - g.started
        route = template(request.url_rule.rule) if request.url_rule else "none"
        method = request.method if request.method in METHODS else "other"
        answered.headers["X-Request-Id"] = g.request_id
        for name, value in HEADERS.items():
            answered.headers.setdefault(name, value)
        metrics.answered(route, method, answered.status_code, seconds)
        if route not in QUIET and _log.isEnabledFor(logging.INFO):
            said = {
                "request": g.request_id,
                "method": method,
                "route": route,
                "status": answered.status_code,
                "ms": round(seconds * 1000, 2),
                "bytes": answered.content_length,
                "key": g.key_id,
            }
            _log.info("request", extra={"said": said})
        return answered

    app.extensions[METRICS] = metrics
    app.before_request(begin)
    app.after_request(end)


def request_id() -> str:
    """The id that came with the request where it may be one, else a new one."""
    sent = request.headers.get("X-Request-Id", "")
    return sent if _ID.fullmatch(sent) else secrets.token_hex(8)


def metrics(_: Service) -> Response:
    """What is counted and measured, for Prometheus."""
    shown: Metrics = current_app.extensions[METRICS]
    return Response(shown.text(), content_type=CONTENT_TYPE)
