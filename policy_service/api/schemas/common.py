"""Schemas that several resources answer with."""

from __future__ import annotations

from audit.projections.action_status import ActionStatus
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema
from rules.model.vocabulary import ActionType, Outcome, Stage

CHOICES = ("customer", "not_customer")


class ChoiceSchema(AnswerSchema):
    """A button of a question."""

    value = fields.one_of(CHOICES)
    label = fields.text()


class AskActionSchema(AnswerSchema):
    """Ask the visitor if they are a customer."""

    id = fields.action_id()
    type = fields.one_of(["ask"])
    text = fields.text()
    choices = fields.list_of(ChoiceSchema)
    expires_at = fields.time()


class CollectContactActionSchema(AnswerSchema):
    """Ask for contact details."""

    id = fields.action_id()
    type = fields.one_of(["collect_contact"])
    fields_ = fields.items(fields.text(), data_key="fields")
    text = fields.text()
    expires_at = fields.time()


class QualifyActionSchema(AnswerSchema):
    """Ask a lead for these fields."""

    id = fields.action_id()
    type = fields.one_of(["qualify"])
    fields_ = fields.items(fields.text(), data_key="fields")
    expires_at = fields.time()


class AssignTeamActionSchema(AnswerSchema):
    """Assign the conversation to a team."""

    id = fields.action_id()
    type = fields.one_of(["assign"])
    team = fields.text()


class AssignTeammateActionSchema(AnswerSchema):
    """Assign the conversation to a teammate."""

    id = fields.action_id()
    type = fields.one_of(["assign"])
    teammate = fields.text()


class SendMessageActionSchema(AnswerSchema):
    """Send a message to the visitor."""

    id = fields.action_id()
    type = fields.one_of(["send_message"])
    text = fields.text()


class AddTagActionSchema(AnswerSchema):
    """Add a tag to the conversation."""

    id = fields.action_id()
    type = fields.one_of(["add_tag"])
    tag = fields.text()


class SalesforceLeadActionSchema(AnswerSchema):
    """Create a lead with these fields; the platform has their values."""

    id = fields.action_id()
    type = fields.one_of(["salesforce_lead"])
    fields_ = fields.items(fields.text(), data_key="fields")


class NoteActionSchema(AnswerSchema):
    """Write a note that only teammates see."""

    id = fields.action_id()
    type = fields.one_of(["note"])
    text = fields.text()


class CloseConversationActionSchema(AnswerSchema):
    """Close the conversation."""

    id = fields.action_id()
    type = fields.one_of(["close_conversation"])


ACTIONS = (
    AskActionSchema,
    CollectContactActionSchema,
    QualifyActionSchema,
    AssignTeamActionSchema,
    AssignTeammateActionSchema,
    SendMessageActionSchema,
    AddTagActionSchema,
    SalesforceLeadActionSchema,
    NoteActionSchema,
    CloseConversationActionSchema,
)


class DecidingVersionSchema(AnswerSchema):
    """The version that decided."""

    version = fields.number()
    digest = fields.digest()


class LedgerPositionSchema(AnswerSchema):
    """The position of an entry in the ledger."""

    log = fields.text()
    index = fields.number()
    leaf_hash = fields.sha256()


class RulingSchema(AnswerSchema):
    """The members that a decision and a dry run have in common."""

    id = fields.decision_id()
    event = fields.text()
    workspace = fields.text()
    conversation = fields.text()
    outcome = fields.choice(Outcome)
    reason = fields.text("A stable word for the reason.")
    rule = fields.text("The id of the rule that decided; `otherwise` if no rule held.")
    stage = fields.choice(Stage, "The stage of the conversation after this decision.")
    actions = fields.items(
        fields.variants(ACTIONS), "The actions that the platform carries out, in this order."
    )


class DecisionSchema(RulingSchema):
    """The decision on one event."""

    policy = fields.nested(DecidingVersionSchema)
    decided_at = fields.time()
    ledger = fields.nested(LedgerPositionSchema, "The entry of the decision.")


class StepSchema(AnswerSchema):
    """One step of a version: the key that took it, its time, and the index of its entry."""

    by = fields.text()
    at = fields.time()
    index = fields.number()
    reason = fields.text(optional=True)
    percent = fields.number("The share of conversations that an activation is for.", optional=True)
    shadow = fields.flag(optional=True)
    apply_to_running = fields.flag(optional=True)


class ReasonedStepSchema(AnswerSchema):
    """A step with its reason: the key that took it, its time, and the index of its entry."""

    by = fields.text()
    at = fields.time()
    index = fields.number()
    reason = fields.text()


class PersonalPartSchema(AnswerSchema):
    """The personal part of an entry: the leaf's `commitment` is the SHA-256 of salt and part."""

    salt = fields.sha256()
    part = fields.object_of(None)


class ActionStateSchema(AnswerSchema):
    """An action with its decision and its status.

    It also has the members of an action of its type.
    """

    id = fields.action_id()
    type = fields.choice(ActionType)
    text = fields.text(optional=True)
    choices = fields.list_of(ChoiceSchema, optional=True)
    fields_ = fields.items(fields.text(), data_key="fields", optional=True)
    team = fields.text(optional=True)
    teammate = fields.text(optional=True)
    tag = fields.text(optional=True)
    expires_at = fields.time(optional=True)
    decision = fields.decision_id()
    event = fields.text()
    conversation = fields.text()
    index = fields.number("The index of the decision in the log.")
    status = fields.choice(ActionStatus)
    status_at = fields.time("The time of the last receipt or retry; null before it.", nullable=True)
    status_by = fields.text("The key of the last receipt or retry.", nullable=True)
    detail = fields.text(nullable=True)


class ErrorSchema(AnswerSchema):
    """One thing that is wrong with a request."""

    pointer = fields.text("A JSON pointer (RFC 6901) to the wrong member.")
    message = fields.text()
    code = fields.text()
    line = fields.number("The line in a document that was sent as YAML.", optional=True)


class ProblemSchema(AnswerSchema):
    """Problem details (RFC 9457)."""

    type = fields.one_of(["about:blank"])
    title = fields.text()
    status = fields.number()
    code = fields.text("A stable word; programs read it.")
    detail = fields.text()
    errors = fields.list_of(ErrorSchema, optional=True)
