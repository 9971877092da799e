"""The table of routes: method, path, view, the roles that may call it, what it takes and gives.

What every call has in common happens here, in this order: a valid key (401) that has not asked too
often (429), a role that may (403), a workspace that the key is for (404). A view is called with the
service and the caller, and trusts that it was.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, request

from policy_service.api import (
    actions,
    conversations,
    decisions,
    description,
    dry_runs,
    examples,
    explained,
    health,
    keys,
    ledger,
    paths,
    shapes,
    versions,
    watch,
)
from policy_service.api.description import Description
from policy_service.api.openapi import describe
from policy_service.api.requests import PAGE
from policy_service.api.route import CSV, NDJSON, Gives, Route, Takes
from policy_service.keys import EVERY_WORKSPACE, Key, Role, unauthorized
from policy_service.problems import Problem
from rules.event import SYSTEM, Event, is_workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Flask, Response

    from policy_service.service import Service

EVERY_ROLE = frozenset(Role)
NO_KEY: frozenset[Role] = frozenset()
WORKSPACE = "/v1/workspaces/<workspace>"


ROUTES = (
    Route("GET", "/healthz", health.alive, NO_KEY, gives=Gives(shapes.Alive, examples.ALIVE)),
    Route(
        "GET",
        "/readyz",
        health.ready,
        NO_KEY,
        gives=Gives(shapes.Ready, examples.READY),
        problems=("busy", "storage_unavailable"),
    ),
    Route(
        "GET",
        "/metrics",
        watch.metrics,
        NO_KEY,
        gives=Gives(str, examples.METRICS, media="text/plain"),
    ),
    Route(
        "GET",
        "/openapi.json",
        description.openapi,
        NO_KEY,
        gives=Gives(dict[str, Any], {"openapi": "3.1.0"}),
    ),
    Route(
        "GET",
        "/docs",
        description.docs,
        NO_KEY,
        gives=Gives(str, "<!doctype html>", media="text/html"),
    ),
    Route(
        "POST",
        "/v1/keys",
        keys.create,
        frozenset({Role.OWNER}),
        takes=Takes(keys.NewKey, examples.NEW_KEY),
        gives=Gives(keys.CreatedKey, examples.CREATED_KEY, status=201),
        problems=("not_found",),
    ),
    Route(
        "GET",
        "/v1/keys",
        keys.catalogue,
        frozenset({Role.OWNER}),
        query=PAGE,
        gives=Gives(keys.KeyPage, examples.KEYS),
    ),
    Route(
        "DELETE",
        "/v1/keys/<key>",
        keys.revoke,
        frozenset({Role.OWNER}),
        gives=Gives(keys.ListedKey, examples.REVOKED_KEY),
        problems=("last_owner_key", "busy"),
    ),
    Route(
        "POST",
        "/v1/decisions",
        decisions.decide,
        frozenset({Role.PLATFORM}),
        takes=Takes(Event, examples.EVENT, null_is_absent=True),
        gives=Gives(shapes.Decision, examples.DECISION, headers=decisions.REPLAYED),
        problems=("not_found", "invalid_event", "event_id_reused"),
    ),
    Route(
        "POST",
        "/v1/decisions/batch",
        decisions.batch,
        frozenset({Role.PLATFORM}),
        takes=Takes(str, examples.BATCH, media=NDJSON),
        gives=Gives(str, examples.BATCH_DECIDED, media=NDJSON),
    ),
    Route(
        "POST",
        "/v1/decisions/dry-run",
        dry_runs.dry_run,
        frozenset({Role.PLATFORM, Role.AUTHOR}),
        takes=Takes(dry_runs.Asked, examples.TRIAL),
        gives=Gives(explained.DryRun, examples.DRY_RUN),
        problems=("not_found", "invalid_event", "invalid_document"),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/decisions/<id:event>",
        decisions.show,
        frozenset({Role.PLATFORM, Role.AUDITOR}),
        gives=Gives(shapes.Decision, examples.DECISION),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/decisions/<id:event>{decisions.EXPLANATION}",
        decisions.explanation,
        frozenset({Role.PLATFORM, Role.AUDITOR}),
        gives=Gives(explained.Explanation | shapes.Decision, examples.EXPLANATION),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/conversations/<id:conversation>",
        conversations.story,
        frozenset({Role.PLATFORM, Role.AUDITOR}),
        query=PAGE,
        gives=Gives(explained.Story, examples.STORY),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/policy",
        versions.policy,
        EVERY_ROLE,
        gives=Gives(shapes.Policy, examples.POLICY),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions",
        versions.propose,
        frozenset({Role.AUTHOR}),
        takes=Takes(versions.Proposal, examples.PROPOSAL),
        gives=Gives(shapes.Version, examples.PROPOSED, status=201),
        problems=("invalid_document",),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions",
        versions.catalogue,
        EVERY_ROLE,
        query=PAGE,
        gives=Gives(shapes.VersionPage, examples.VERSIONS),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions/<number:number>",
        versions.show,
        EVERY_ROLE,
        gives=Gives(shapes.VersionWithDocument, examples.VERSION_WITH_DOCUMENT),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/versions/<number:number>/diff",
        versions.diff,
        EVERY_ROLE,
        query=versions.AGAINST,
        gives=Gives(shapes.Diff, examples.DIFF),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/approve",
        versions.approve,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.Approval, examples.APPROVAL),
        gives=Gives(shapes.Version, examples.APPROVED),
        problems=("proposer_may_not_approve", "digest_mismatch", "wrong_status"),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/reject",
        versions.reject,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.Rejection, examples.REJECTION),
        gives=Gives(shapes.Version, examples.REJECTED),
        problems=("wrong_status",),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/versions/<number:number>/activate",
        versions.activate,
        frozenset({Role.APPROVER}),
        takes=Takes(versions.Activation, examples.ACTIVATION),
        gives=Gives(shapes.Version, examples.ACTIVE),
        problems=("not_supported", "wrong_status"),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries",
        ledger.entries,
        frozenset({Role.AUDITOR}),
        system=True,
        query={**ledger.FILTERS, **PAGE},
        gives=Gives(shapes.LedgerPage, examples.ENTRIES),
        or_gives=Gives(str, examples.TABLE, media=CSV, headers=ledger.NEXT_PAGE),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries/<number:index>",
        ledger.entry,
        frozenset({Role.AUDITOR}),
        system=True,
        gives=Gives(shapes.LedgerEntry, examples.ENTRY),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/actions",
        actions.asked,
        frozenset({Role.PLATFORM}),
        query=actions.STATUSES,
        gives=Gives(shapes.ActionPage, examples.ACTIONS),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/actions/<action>/receipt",
        actions.receive,
        frozenset({Role.PLATFORM}),
        takes=Takes(actions.Receipt, examples.RECEIPT),
        gives=Gives(shapes.AskedAction, examples.DELIVERED_ACTION),
        problems=("action_settled",),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/actions/<action>/retry",
        actions.retry,
        frozenset({Role.PLATFORM}),
        gives=Gives(shapes.AskedAction, examples.PENDING_ACTION),
        problems=("action_settled", "busy"),
    ),
)


def register(app: Flask) -> None:
    paths.register(app)
    app.extensions[description.DESCRIPTION] = Description(partial(describe, ROUTES))
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
        presumed = _presumed_holder(service) if route.view is decisions.decide else None
        if presumed is None:
            return _admitted(route, service, authenticated(service), named)
        try:
            return _admitted(route, service, presumed, named)
        except Exception:
            authenticated(service)  # also what is refused tells something
            raise

    return view


def _admitted(route: Route, service: Service, caller: Key, named: Mapping[str, Any]) -> Response:
    g.key_id = caller.id
    if service.rate:
        service.rate.admit(caller.id)
    if caller.role not in route.roles:
        raise Problem("role_not_allowed", f"A key of the role {caller.role.value} may not")
    if "workspace" in named:
        check_reach(caller, named["workspace"], system=route.system)
    return route.view(service, caller, **named)


def authenticated(service: Service) -> Key:
    """Whose key came with the request."""
    if token := _token():
        with service.store.read() as snapshot:
            holder = service.keyring.holder(snapshot, token, service.store.now())
        if holder:
            return holder
    raise unauthorized()


def _presumed_holder(service: Service) -> Key | None:
    """Whose key it is for a view that asks again in its transaction, which saves a reading."""
    token = _token()
    return service.keyring.presumed_holder(token, service.store.now()) if token else None


def _token() -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.isascii() else None


def check_reach(caller: Key, workspace: str, *, system: bool = False) -> None:
    """Problem `not_found` where the workspace is none, or not one of the key's."""
    named = is_workspace(workspace) or (
        system and workspace == SYSTEM and caller.workspace == EVERY_WORKSPACE
    )
    if not (named and caller.reaches(workspace)):
        raise Problem("not_found", "There is no such workspace for this key")
