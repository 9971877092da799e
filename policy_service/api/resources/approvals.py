"""The number of keys that must approve a version of a workspace: 1 unless an owner changes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import STEP
from policy_service.api.requests import json_body
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, BodySchema
from policy_service.api.schemas.common import ReasonedStepSchema
from policy_service.policies import requirements as use_cases
from policy_service.policies.requirements import MAX_APPROVALS

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services


@dataclass(frozen=True, slots=True)
class NewApprovals:
    """A request for another number of approvals."""

    count: int
    reason: str


class NewApprovalsSchema(BodySchema):
    """The number of keys that must approve, and the reason."""

    value = NewApprovals
    count = fields.number(
        "Keys other than the proposer's; with 0 a proposed version can be activated at once.",
        least=0,
        most=MAX_APPROVALS,
    )
    reason = fields.reason()


class ApprovalsSchema(AnswerSchema):
    """The number of keys that must approve a version before its first activation."""

    count = fields.number(least=0, most=MAX_APPROVALS)
    since = fields.nested(ReasonedStepSchema, "Null if it was never set.", nullable=True)


_NEW_APPROVALS: dict[str, Any] = {
    "count": 2,
    "reason": "Compliance and the head of support both look",
}
_APPROVALS: dict[str, Any] = {"count": 2, "since": {**STEP, "reason": _NEW_APPROVALS["reason"]}}


def get_approvals(services: Services, caller: Key, *, workspace: str) -> Reply:
    """Get the number of required approvals."""
    return Reply(use_cases.get_approvals(services.workspace_ledger(caller, workspace)))


def set_approvals(services: Services, caller: Key, *, workspace: str, body: NewApprovals) -> Reply:
    """Set the number of required approvals.

    It also holds for versions that are proposed already. A version that was activated before may be
    activated again. The current number again changes nothing.
    """
    ledger = services.workspace_ledger(caller, workspace)
    return Reply(use_cases.require_approvals(ledger, body.count, body.reason))


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/approvals",
        get_approvals,
        Permission.READ_POLICIES,
        Content(ApprovalsSchema, _APPROVALS),
    ),
    Route(
        "PUT",
        f"{WORKSPACE}/approvals",
        set_approvals,
        Permission.SET_APPROVALS,
        Content(ApprovalsSchema, _APPROVALS),
        body=json_body(NewApprovalsSchema, _NEW_APPROVALS),
    ),
)
