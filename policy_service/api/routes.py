"""The table of routes: method, path, view and the roles that may call it.

What every call has in common happens here, in this order: a valid key (401), a role that may (403),
a workspace that the key is for (404). A view is called with the service and the caller, and trusts
that it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, request

from policy_service.api import decisions, health, ledger, paths, versions
from policy_service.keys import EVERY_WORKSPACE, Key, Role
from policy_service.problems import Problem
from rules.event import SYSTEM, is_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask, Response

    from policy_service.service import Service

EVERY_ROLE = frozenset(Role)
NO_KEY: frozenset[Role] = frozenset()
WORKSPACE = "/v1/workspaces/<workspace>"


@dataclass(frozen=True, slots=True)
class Route:
    """One call. `roles` is empty where no key is needed."""

    method: str
    path: str
    view: Callable[..., Response]
    roles: frozenset[Role]
    system: bool = False
    """The log `system` may be named in the place of a workspace."""

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"


ROUTES = (
    Route("GET", "/healthz", health.alive, NO_KEY),
    Route("GET", "/readyz", health.ready, NO_KEY),
    Route("POST", "/v1/decisions", decisions.decide, frozenset({Role.PLATFORM})),
    Route(
        "GET",
        f"{WORKSPACE}/decisions/<event:event>",
        decisions.show,
        frozenset({Role.PLATFORM, Role.AUDITOR}),
    ),
    Route("GET", f"{WORKSPACE}/policy", versions.policy, EVERY_ROLE),
    Route("POST", f"{WORKSPACE}/versions", versions.propose, frozenset({Role.AUTHOR})),
    Route("GET", f"{WORKSPACE}/versions", versions.catalogue, EVERY_ROLE),
    Route("GET", f"{WORKSPACE}/versions/<number:number>", versions.show, EVERY_ROLE),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/approve",
        versions.approve,
        frozenset({Role.APPROVER}),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/reject",
        versions.reject,
        frozenset({Role.APPROVER}),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/activate",
        versions.activate,
        frozenset({Role.APPROVER}),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries",
        ledger.entries,
        frozenset({Role.AUDITOR}),
        system=True,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries/<number:index>",
        ledger.entry,
        frozenset({Role.AUDITOR}),
        system=True,
    ),
)


def register(app: Flask) -> None:
    paths.register(app)
    for route in ROUTES:
        app.add_url_rule(
            route.path, route.endpoint, guarded(route), methods=[route.method], strict_slashes=True
        )


def guarded(route: Route) -> Callable[..., Response]:
    """The view behind the checks that its row of the table asks for."""

    def view(**named: Any) -> Response:  # noqa: ANN401 - the parts of the path, as Flask gives them
        service = cast("Service", current_app.extensions["policy_service"])
        if not route.roles:
            return route.view(service, **named)
        caller = authenticated(service)
        if caller.role not in route.roles:
            raise Problem("role_not_allowed", f"A key of the role {caller.role.value} may not")
        if "workspace" in named:
            check_reach(caller, named["workspace"], system=route.system)
        return route.view(service, caller, **named)

    return view


def authenticated(service: Service) -> Key:
    """Whose key came with the request."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.isascii():
        with service.store.read() as snapshot:
            holder = service.keyring.holder(snapshot, token.strip())
        if holder:
            return holder
    raise Problem("unauthorized", "Send a valid key as `Authorization: Bearer <key>`")


def check_reach(caller: Key, workspace: str, *, system: bool = False) -> None:
    """Problem `not_found` where the workspace is none, or not one of the key's."""
    named = is_workspace(workspace) or (
        system and workspace == SYSTEM and caller.workspace == EVERY_WORKSPACE
    )
    if not (named and caller.reaches(workspace)):
        raise Problem("not_found", "There is no such workspace for this key")
