"""All rows of the API, gathered from the resources, and their registration with Flask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.api import parameters
from policy_service.api.docs_page import DOCS, Documentation
from policy_service.api.flask_adapter import flask_view, redirect_view
from policy_service.api.resources import (
    actions,
    activations,
    approvals,
    conversations,
    decisions,
    directory,
    dry_runs,
    erasures,
    guardrails,
    health,
    holds,
    keys,
    ledger,
    policy,
    proofs,
    replays,
    version_reports,
    versions,
)

if TYPE_CHECKING:
    from flask import Flask

RESOURCES = (
    decisions,
    dry_runs,
    conversations,
    actions,
    policy,
    versions,
    activations,
    version_reports,
    approvals,
    guardrails,
    directory,
    replays,
    ledger,
    proofs,
    erasures,
    holds,
    keys,
    health,
)
"""The resources in the order of the documentation."""
_RESOURCE_ROUTES = tuple(route for resource in RESOURCES for route in resource.ROUTES)
DOCUMENTATION = Documentation(_RESOURCE_ROUTES)
ROUTES = DOCUMENTATION.routes


def register(app: Flask) -> None:
    """Register all rows with the application."""
    parameters.register(app)
    app.add_url_rule("/", "home", redirect_view(DOCS))
    for route in ROUTES:
        app.add_url_rule(
            route.path,
            route.endpoint,
            flask_view(route),
            methods=[route.method],
            strict_slashes=True,
        )
