"""The rows of the table of routes that are about replays."""

from __future__ import annotations

from policy_service.access.keys import Role
from policy_service.api.examples import replays as replay_examples
from policy_service.api.resources import replays
from policy_service.api.route import Gives, Route, Takes
from policy_service.problems import ProblemCode

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
        problems=(ProblemCode.INVALID_DOCUMENT,),
    ),
    Route(
        "GET",
        f"{_PATH}/<replay>",
        replays.show,
        _ROLES,
        gives=Gives(replays.ReplayView, replay_examples.REPLAY),
    ),
)
