"""The activation of versions: now or at a time, and the schedule that is cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from policy_service.access.permissions import Permission
from policy_service.api.requests import json_body
from policy_service.api.resources.versions import (
    ACTIVE_VERSION,
    APPROVED_VERSION,
    VERSION,
    VersionSchema,
)
from policy_service.api.responses import Content, Reply
from policy_service.api.route import Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import BodySchema
from policy_service.policies import versions as use_cases
from policy_service.policies.activation import ALL_PERCENT, Activation, requested_activation
from policy_service.problems import ProblemCode

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services


class ActivationSchema(BodySchema):
    """The way to activate a version: by default now, for all conversations that start later."""

    json_schema: ClassVar = {
        "if": {"properties": {"shadow": {"const": True}}, "required": ["shadow"]},
        "then": {
            "properties": {
                "percent": {"type": "null"},
                "apply_to_running": {"enum": [False, None]},
            }
        },
    }
    value = staticmethod(requested_activation)
    at = fields.received_time(
        """The time from which the version decides. A past time is refused. A new time replaces the
        pending one.""",
        optional=True,
        nullable=True,
    )
    percent = fields.number(
        """The version decides for this many of 100 conversations, always the same ones. The
        percentage of a version cannot be reduced.""",
        least=1,
        most=ALL_PERCENT,
        optional=True,
        nullable=True,
    )
    shadow = fields.flag(
        "The version decides nothing; its decision is recorded with each decision.",
        optional=True,
        nullable=True,
    )
    apply_to_running = fields.flag(
        "The version also decides for conversations that have started and wait for something.",
        optional=True,
        nullable=True,
    )


def activate_version(
    services: Services, caller: Key, *, workspace: str, number: int, body: Activation
) -> Reply:
    """Activate a version.

    It decides now or from a time on, for all conversations or a percentage, or as a shadow. After
    the answer no conversation starts on the replaced version. A conversation that has started keeps
    its version, unless `apply_to_running` is true. A scheduled activation is suspended if another
    version is active when it is due. To roll back, activate an older version: the schedule of the
    newer version ends. An activation by hand ends the version's own schedule.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.activate_version(ledger, number, body))


def unschedule_version(services: Services, caller: Key, *, workspace: str, number: int) -> Reply:
    """Cancel the scheduled activation of a version.

    The answer is 404 if the version has no pending schedule.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.unschedule_version(ledger, number))


ROUTES = (
    Route(
        "POST",
        f"{VERSION}/activate",
        activate_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, ACTIVE_VERSION),
        body=json_body(ActivationSchema, {"apply_to_running": True}),
        problems=(ProblemCode.WRONG_STATUS, ProblemCode.PERCENT_SHRINKS),
    ),
    Route(
        "DELETE",
        f"{VERSION}/schedule",
        unschedule_version,
        Permission.APPROVE_VERSIONS,
        Content(VersionSchema, APPROVED_VERSION),
        problems=(ProblemCode.BUSY,),
    ),
)
