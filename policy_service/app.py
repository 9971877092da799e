"""The application factory: the only place that opens the ledger. It starts no threads or jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.stores.sqlite.store import SqliteStore
from policy_service.access.rate_limit import RateLimit
from policy_service.api import errors, request_log, routes
from policy_service.observability.metrics import Metrics
from policy_service.replays.replay_queue import ReplayQueue
from policy_service.services import Services
from policy_service.settings import Settings

if TYPE_CHECKING:
    from audit.stores.contract import Store


def create_app(settings: Settings | None = None, store: Store | None = None) -> Flask:
    """Return the service as a WSGI application.

    If `settings` is None, they are loaded from the environment and the file that it names. If
    `store` is None, it is opened in their data folder, which must have been created before. It is
    closed at the end of the process.
    """
    if settings is None:
        settings = Settings.load()
    if store is None:
        store = SqliteStore.open(settings.data, queue_limit=settings.queue)
    app = Flask("policy_service", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members stand in the order of SPEC
    metrics = Metrics()
    store.on_commit(metrics.observe_commit)
    checkpoints = CheckpointSigner(store, settings.origin, metrics)
    app.extensions["policy_service"] = Services(
        store,
        rate_limit=RateLimit.from_settings(settings),
        metrics=metrics,
        checkpoints=checkpoints,
        replays=ReplayQueue(store),
    )
    request_log.register(app, metrics)
    errors.register(app, metrics)
    routes.register(app)
    return app
