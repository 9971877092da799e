"""Schemas of explanations: of a recorded decision, and of a dry run."""

from __future__ import annotations

from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema
from policy_service.api.schemas.common import DecisionSchema, LedgerPositionSchema, RulingSchema


class UnmetTestSchema(AnswerSchema):
    """The first test of a rule that did not hold."""

    fact = fields.text("The name of the fact; `any` if no alternative held.")
    expected = fields.any_value("The test of the document, with settings filled in.")
    actual = fields.any_value("The value of the fact; null for an unknown fact.")


class TriedRuleSchema(AnswerSchema):
    """One rule that was tried."""

    rule = fields.text()
    held = fields.flag()
    failed = fields.nested(UnmetTestSchema, "Null if the rule held.", nullable=True)


class ErasureEntrySchema(AnswerSchema):
    """The entry of an erasure."""

    index = fields.number()
    at = fields.time()


class ReasonsSchema(AnswerSchema):
    """The members that every explanation has."""

    facts = fields.object_of(
        fields.fact(), "The known facts of the event, by name; unknown facts are absent."
    )
    tried = fields.list_of(TriedRuleSchema, "Every rule up to the rule that held, in order.")


class ExplanationSchema(ReasonsSchema):
    """A decision, its facts, and every rule up to the rule that held."""

    decision = fields.nested(DecisionSchema)
    erased = fields.nested(
        ErasureEntrySchema, "Present if the event was erased; the facts stay.", optional=True
    )


class DryRunVersionSchema(AnswerSchema):
    """The version or document that would decide."""

    version = fields.number("Null for a document that is not a version.", nullable=True)
    digest = fields.digest()


class DryRunDecisionSchema(RulingSchema):
    """A decision that was not made: no ledger holds it, and it has no time."""

    policy = fields.nested(DryRunVersionSchema)
    decided_at = fields.time("Always null.", nullable=True)
    ledger = fields.nested(LedgerPositionSchema, "Always null.", nullable=True)


class DryRunExplanationSchema(ReasonsSchema):
    """A decision that was not made, its facts, and the rules that were tried."""

    decision = fields.nested(DryRunDecisionSchema)


class DryRunSchema(AnswerSchema):
    """The decision that would be made, and its explanation."""

    decision = fields.nested(DryRunDecisionSchema)
    explanation = fields.nested(DryRunExplanationSchema)
