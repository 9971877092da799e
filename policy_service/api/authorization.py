"""What every call has in common, in this order.

A valid key (401), one that does not ask too often (429), a role that may (403), a workspace that
the key is for (404). A view is called with the service and the caller, and trusts that it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, request

from policy_service.access.keys import Key, unauthorized_problem
from policy_service.access.permissions import check_workspace
from policy_service.api.resources import decisions
from policy_service.problems import ProblemCode, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Response

    from policy_service.api.route import Route
    from policy_service.services import Services


def guarded(route: Route) -> Callable[..., Response]:
    """The view behind the checks that its row of the table asks for."""

    def view(**named: Any) -> Response:  # noqa: ANN401 - the parts of the path, as Flask gives them
        service = cast("Services", current_app.extensions["policy_service"])
        if not route.roles:
            return route.view(service, **named)
        presumed = _presumed_holder(service) if route.view is decisions.decide else None
        if presumed is None:
            return _admitted(route, service, authenticated(service), named)
        try:
            return _admitted(route, service, presumed, named)
        except Exception:
            authenticated(service)  # also what is refused tells something
            raise

    return view


def _admitted(route: Route, service: Services, caller: Key, named: Mapping[str, Any]) -> Response:
    g.key_id = caller.id
    if service.rate_limit:
        service.rate_limit.admit(caller.id)
    check_may(route, caller, named)
    return route.view(service, caller, **named)


def check_may(route: Route, caller: Key, named: Mapping[str, Any]) -> None:
    """Problem `role_not_allowed`, or `not_found` for a workspace out of the caller's reach."""
    if caller.role not in route.roles:
        raise ProblemError(
            ProblemCode.ROLE_NOT_ALLOWED, f"A key of the role {caller.role.value} may not"
        )
    if "workspace" in named:
        check_workspace(caller, named["workspace"], system=route.system)


def authenticated(service: Services) -> Key:
    """Whose key came with the request; that it was used is noted."""
    if token := _token():
        now = service.store.now()
        with service.store.read() as snapshot:
            holder = service.keyring.find_key(snapshot, token, now)
        if holder:
            service.key_usage.record(holder.id, now, service.store)
            return holder
    raise unauthorized_problem()


def _presumed_holder(service: Services) -> Key | None:
    """Whose key it is for a view that asks again in its transaction, which saves a reading."""
    token = _token()
    return service.keyring.find_remembered_key(token, service.store.now()) if token else None


def _token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else None
