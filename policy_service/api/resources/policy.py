"""The active policy of a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import Permission
from policy_service.api.examples.common import DOCUMENT, DOCUMENT_DIGEST
from policy_service.api.responses import Content, Reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema
from policy_service.policies.activation import apply_due_in_workspace
from policy_service.policies.policy_cache import load_document

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.services import Services


class PolicySchema(AnswerSchema):
    """The rules that decide now."""

    version = fields.number()
    digest = fields.digest()
    document = fields.document()


_POLICY: dict[str, Any] = {"version": 2, "digest": DOCUMENT_DIGEST, "document": DOCUMENT}


def get_policy(services: Services, _: Key, *, workspace: str) -> Reply:
    """Get the document of the active version."""
    apply_due_in_workspace(services.store, services.policies, workspace)
    with services.store.read() as snapshot:
        active = services.policies.active_version(snapshot, workspace)
        document = load_document(snapshot, active.digest)
    return Reply({"version": active.number, "digest": active.digest, "document": document.tree})


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/policy",
        get_policy,
        Permission.READ_POLICIES,
        Content(PolicySchema, _POLICY),
    ),
)
