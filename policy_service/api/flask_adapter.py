"""The pipeline behind Flask: its requests in, its responses out."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

import flask
from flask import current_app, g

from policy_service.api.pipeline import answer
from policy_service.api.requests import MAX_BATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policy_service.api.responses import Response
    from policy_service.api.route import Route
    from policy_service.services import Services

SERVICES = "policy_service"
"""The key of the process's services among the extensions of the application."""
MAX_DRAINED = 4 * MAX_BATCH
_CHUNK = 64 * 1024


class FlaskRequest:
    """The current request of Flask, as the pipeline reads it."""

    __slots__ = ("_request", "parts", "query")

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._request = flask.request
        self.parts = parts
        self.query: str = self._request.environ.get("QUERY_STRING", "")

    def header(self, name: str) -> str:
        """Return a header; an empty text if it was not sent."""
        return self._request.headers.get(name, "")

    def read(self, limit: int) -> bytes:
        """Return the body; at most `limit + 1` bytes of a longer body."""
        self._request.max_content_length = limit + 1  # a chunked body is cut off there silently
        return self._request.get_data(cache=False)

    def identify(self, key_id: str) -> None:
        """Record the key of the request."""
        g.key_id = key_id


def flask_view(route: Route) -> Callable[..., flask.Response]:
    """Return the view function of a row for Flask."""

    def view(**parts: Any) -> flask.Response:  # noqa: ANN401 - the parts of the path
        services = cast("Services", current_app.extensions[SERVICES])
        return flask_response(answer(route, services, FlaskRequest(parts)))

    return view


def redirect_view(location: str) -> Callable[[], flask.Response]:
    """Return a view function that redirects to a path of this service."""

    def view() -> flask.Response:
        return flask.Response(status=HTTPStatus.FOUND, headers={"Location": location})

    return view


def flask_response(answered: Response) -> flask.Response:
    """Return the response as Flask sends it."""
    response = flask.Response(answered.body, answered.status, content_type=answered.content_type)
    response.headers.update(answered.headers)
    return response


def drain_body() -> None:
    """Read the rest of a refused body, up to `MAX_DRAINED` bytes.

    A client that is still sending when the connection closes may never see the answer. The body is
    not read if the client waits for `100 Continue`, or if the request has no valid key.
    """
    environ = flask.request.environ
    if "key_id" not in g or "HTTP_EXPECT" in environ or not environ.get("wsgi.input_terminated"):
        return
    with suppress(OSError):
        for _ in range(MAX_DRAINED // _CHUNK):
            if not environ["wsgi.input"].read(_CHUNK):
                break
