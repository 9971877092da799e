"""The way of a request, as its row directs it; nothing here knows the web framework.

In this order: key (401), rate limit (429), permission (403), workspace (404), query and body (400),
view, response.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from policy_service.access.permissions import check_permission, check_workspace
from policy_service.api.authorization import authenticate, cached_key
from policy_service.api.media import JSON
from policy_service.api.requests import parse_body, parse_query
from policy_service.api.responses import response

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.requests import Request
    from policy_service.api.responses import Content, Response
    from policy_service.api.route import Route
    from policy_service.services import Services


def answer(route: Route, services: Services, request: Request) -> Response:
    """Return the response to a request; raise an error that `problems.of` knows."""
    if route.permission is None:
        return response(route.response, route.view(services))
    cached = cached_key(services, request) if route.checks_key else None
    if cached is None:
        return _answer_caller(route, services, authenticate(services, request), request)
    try:
        return _answer_caller(route, services, cached, request)
    except Exception:
        authenticate(services, request)  # a revoked key must not learn why it was refused
        raise


def _answer_caller(route: Route, services: Services, caller: Key, request: Request) -> Response:
    request.identify(caller.id)
    if services.rate_limit:
        services.rate_limit.admit(caller.id)
    if route.permission:
        check_permission(caller, route.permission)
    values: dict[str, Any] = {**request.parts}
    if "workspace" in values:
        check_workspace(caller, values["workspace"], system=route.names_system)
    query = parse_query(route.query, request.query)
    if route.query:
        values["query"] = query
    if route.body:
        values["body"] = parse_body(request, route.body)
    if route.alternative is None:
        return response(route.response, route.view(services, caller, **values))
    content = _accepted(route.response, route.alternative, request.header("Accept"))
    reply = route.view(services, caller, **values, media=content.media)
    reply = reply._replace(headers={**reply.headers, "Vary": "Accept"})
    return response(content, reply)


def _accepted(usual: Content, alternative: Content, accept: str) -> Content:
    """Return the content that a client prefers by its header `Accept`."""
    accepted = parse_accept_header(accept, MIMEAccept)
    best = accepted.best_match([usual.media, *alternative.acceptable], JSON)
    return usual if best == usual.media else alternative
