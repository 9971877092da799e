"""The table of routes: method, path, view, the roles that may call it, what it takes and gives.

What every call has in common is in `guard.py`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from policy_service.access.keys import Role
from policy_service.api import docs_page, parameters, replay_routes, request_log
from policy_service.api.authorization import guarded
from policy_service.api.docs_page import Description
from policy_service.api.examples import common as examples
from policy_service.api.examples import proofs as proof_examples
from policy_service.api.openapi import describe
from policy_service.api.requests import PAGE
from policy_service.api.resources import (
    actions,
    conversations,
    decisions,
    dry_runs,
    erasures,
    health,
    holds,
    keys,
    ledger,
    proofs,
)
from policy_service.api.route import CSV, NDJSON, TEXT, WORKSPACE, Gives, Route, Takes
from policy_service.api.schemas import common as shapes
from policy_service.api.schemas import explanations as explained
from policy_service.api.version_routes import VERSION_ROUTES
from policy_service.problems import ProblemCode
from rules.model.event import Event

if TYPE_CHECKING:
    from flask import Flask

SIGNING = (ProblemCode.LEDGER_BEHIND, ProblemCode.NOT_SIGNED, ProblemCode.NO_SIGNING_KEY)
NO_KEY: frozenset[Role] = frozenset()


ROUTES = (
    Route("GET", "/healthz", health.alive, NO_KEY, gives=Gives(shapes.Alive, examples.ALIVE)),
    Route(
        "GET",
        "/readyz",
        health.ready,
        NO_KEY,
        gives=Gives(shapes.Ready, examples.READY),
        problems=(ProblemCode.BUSY, ProblemCode.STORAGE_UNAVAILABLE, ProblemCode.NOT_SIGNED),
    ),
    Route(
        "GET",
        "/metrics",
        request_log.metrics,
        NO_KEY,
        gives=Gives(str, examples.METRICS, media="text/plain"),
    ),
    Route(
        "GET",
        "/openapi.json",
        docs_page.openapi,
        NO_KEY,
        gives=Gives(dict[str, Any], {"openapi": "3.1.0"}),
    ),
    Route(
        "GET",
        "/docs",
        docs_page.docs,
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
        problems=(ProblemCode.NOT_FOUND,),
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
        problems=(ProblemCode.LAST_OWNER_KEY, ProblemCode.BUSY),
    ),
    Route(
        "POST",
        "/v1/decisions",
        decisions.decide,
        frozenset({Role.PLATFORM}),
        takes=Takes(Event, examples.EVENT, null_is_absent=True),
        gives=Gives(shapes.Decision, examples.DECISION, headers=decisions.REPLAYED),
        problems=(ProblemCode.NOT_FOUND, ProblemCode.INVALID_EVENT, ProblemCode.EVENT_ID_REUSED),
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
        problems=(ProblemCode.NOT_FOUND, ProblemCode.INVALID_EVENT, ProblemCode.INVALID_DOCUMENT),
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
    *VERSION_ROUTES,
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
    *replay_routes.ROUTES,
    Route(
        "POST",
        f"{WORKSPACE}/erasures",
        erasures.create,
        frozenset({Role.AUDITOR}),
        takes=Takes(erasures.AskedErasure, examples.ERASURE),
        gives=Gives(erasures.Erasure, examples.ERASED, status=201),
        problems=(ProblemCode.UNDER_HOLD,),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/holds",
        holds.create,
        frozenset({Role.AUDITOR}),
        takes=Takes(holds.NewHold, examples.NEW_HOLD),
        gives=Gives(holds.Hold, examples.HOLD, status=201),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/holds",
        holds.catalogue,
        frozenset({Role.AUDITOR}),
        query=PAGE,
        gives=Gives(holds.HoldPage, examples.HOLDS),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/holds/<hold>/release",
        holds.release,
        frozenset({Role.AUDITOR}),
        takes=Takes(holds.AskedRelease, examples.RELEASE),
        gives=Gives(holds.Hold, examples.RELEASED_HOLD),
        problems=(ProblemCode.SETTER_MAY_NOT_RELEASE, ProblemCode.HOLD_RELEASED),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries/<number:index>/proof",
        proofs.inclusion,
        frozenset({Role.AUDITOR}),
        system=True,
        gives=Gives(proofs.Inclusion, proof_examples.INCLUSION),
        or_gives=Gives(str, proof_examples.TLOG_PROOF, media=TEXT),
        problems=SIGNING,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/checkpoint",
        proofs.checkpoint,
        frozenset({Role.AUDITOR}),
        system=True,
        gives=Gives(str, proof_examples.CHECKPOINT, media=TEXT),
        problems=SIGNING,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/key",
        proofs.key,
        frozenset({Role.AUDITOR}),
        system=True,
        gives=Gives(str, proof_examples.VERIFIER_KEY, media=TEXT),
        problems=(ProblemCode.NO_SIGNING_KEY,),
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/consistency",
        proofs.consistency,
        frozenset({Role.AUDITOR}),
        system=True,
        query=proofs.SIZES,
        gives=Gives(proofs.Consistency, proof_examples.CONSISTENCY),
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
        problems=(ProblemCode.ACTION_SETTLED,),
    ),
    Route(
        "POST",
        f"{WORKSPACE}/actions/<action>/retry",
        actions.retry,
        frozenset({Role.PLATFORM}),
        gives=Gives(shapes.AskedAction, examples.PENDING_ACTION),
        problems=(ProblemCode.ACTION_SETTLED, ProblemCode.BUSY),
    ),
)


def register(app: Flask) -> None:
    parameters.register(app)
    app.add_url_rule("/", "home", docs_page.redirect_to_docs)
    app.extensions[docs_page.DESCRIPTION] = Description(partial(describe, ROUTES))
    for route in ROUTES:
        app.add_url_rule(
            route.path, route.endpoint, guarded(route), methods=[route.method], strict_slashes=True
        )
