"""Conversations, read from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import INCLUDE

from audit.projections.action_status import ActionStatus
from policy_service.access.permissions import Permission
from policy_service.api.examples.common import ASK, DECISION_ID, DIGEST
from policy_service.api.responses import Content, Reply, page_reply
from policy_service.api.route import WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, PageQuery
from policy_service.api.schemas.common import PersonalPartSchema
from policy_service.api.schemas.explanations import ErasureEntrySchema
from policy_service.decisions.story import tell_story
from rules.model.vocabulary import ActionType, Outcome, Stage

if TYPE_CHECKING:
    from policy_service.access.keys import Key
    from policy_service.api.schemas.base import PageParameters
    from policy_service.services import Services


class KeyNameSchema(AnswerSchema):
    """The id and the name of a key; `system` has no name."""

    key = fields.text()
    name = fields.text(nullable=True)


class ApproverSchema(KeyNameSchema):
    """A key that approved a version, and the time."""

    at = fields.time()


class StoryActionSchema(AnswerSchema):
    """An action of a decision with its status; it also has the members of its type."""

    class Meta:
        unknown = INCLUDE

    id = fields.action_id()
    type = fields.choice(ActionType)
    status = fields.choice(ActionStatus)


class StoryEventSchema(AnswerSchema):
    """One event of a conversation, its decision and the version that decided."""

    index = fields.number()
    event = fields.text()
    type = fields.text()
    occurred_at = fields.text()
    decided_at = fields.time()
    decision = fields.decision_id()
    outcome = fields.choice(Outcome)
    reason = fields.text()
    rule = fields.text()
    stage = fields.choice(Stage)
    version = fields.number()
    digest = fields.digest()
    author = fields.nested(KeyNameSchema, "The key that proposed the version.")
    approvers = fields.list_of(ApproverSchema)
    actions = fields.list_of(StoryActionSchema)
    personal = fields.nested(
        PersonalPartSchema,
        "The event itself, for auditors only; null if it was erased.",
        optional=True,
        nullable=True,
    )
    erased = fields.nested(
        ErasureEntrySchema, "Present if the personal data were erased.", optional=True
    )


class StorySchema(AnswerSchema):
    """A page of the events of a conversation."""

    items = fields.list_of(StoryEventSchema)
    next = fields.cursor()


_STORY: dict[str, Any] = {
    "items": [
        {
            "index": 2,
            "event": "ev-1",
            "type": "conversation.started",
            "occurred_at": "2026-11-22T10:00:00Z",
            "decided_at": "2026-11-22T10:00:00.412Z",
            "decision": DECISION_ID,
            "outcome": "ask",
            "reason": "anonymous_contact",
            "rule": "ask-if-customer",
            "stage": "awaiting_answer",
            "version": 1,
            "digest": DIGEST,
            "author": {"key": "system", "name": None},
            "approvers": [],
            "actions": [{**ASK, "status": "pending"}],
        }
    ],
    "next": None,
}


def get_story(
    services: Services, caller: Key, *, workspace: str, conversation: str, query: PageParameters
) -> Reply:
    """Get the story of a conversation.

    The story has each event with its decision, its version and its actions. Only auditors get
    personal data.
    """
    ledger = services.workspace_ledger(caller, workspace)
    page = tell_story(ledger, conversation, query.after, query.limit)
    return page_reply(page.events, page.next)


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/conversations/<id:conversation>",
        get_story,
        Permission.READ_DECISIONS,
        Content(StorySchema, _STORY),
        query=PageQuery(),
    ),
)
