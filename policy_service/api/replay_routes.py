"""The rows of the table of routes that are about replays."""

from __future__ import annotations

from policy_service.api import replay_examples, replays
from policy_service.api.route import Gives, Route, Takes
from policy_service.keys import Role

_PATH = "/v1/workspaces/<workspace>/replays"
_ROLES = frozenset({Role.AUDITOR, Role.AUTHOR})

ROUTES = (
    Route(
        "POST",
        _PATH,
        replays.create,
        _ROLES,
        takes=Takes(replays.AskedReplay, replay_examples.ASKED_REPLAY),
        gives=Gives(replays.ReplayView, replay_examples.REPLAY, status=201),
        problems=("invalid_document",),
    ),
    Route(
        "GET",
        f"{_PATH}/<replay>",
        replays.show,
        _ROLES,
        gives=Gives(replays.ReplayView, replay_examples.REPLAY),
    ),
)
