"""Schemas of what a version decides over all facts: reports and differences."""

from __future__ import annotations

from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema
from policy_service.policies.guardrails import GuardrailState
from rules.model.vocabulary import ActionType, Outcome, Stage


class ExampleRulingSchema(AnswerSchema):
    """The decision on an example."""

    outcome = fields.choice(Outcome)
    reason = fields.text()
    rule = fields.text()
    stage = fields.choice(Stage)
    actions = fields.items(fields.choice(ActionType))


class ExampleSchema(AnswerSchema):
    """Facts as a test of a document gives them, and the decision on them."""

    given = fields.object_of(
        fields.fact(nullable=True),
        "The facts that differ from the defaults of a test; null for an unknown fact.",
    )
    decision = fields.nested(ExampleRulingSchema)
    conversation = fields.items(
        fields.event(),
        """Events of which the last one has such facts. They belong to a workspace `example`; its
        active version has these rules, with the given settings. Null if no events were found.""",
        nullable=True,
    )


class FindingSchema(AnswerSchema):
    """A probable mistake; the document is accepted all the same."""

    pointer = fields.text("A JSON pointer (RFC 6901) into the document.")
    code = fields.text("A stable word; docs/findings/ has a page for each.")
    message = fields.text()
    example = fields.nested(ExampleSchema, nullable=True)
    line = fields.number(optional=True)
    decisions = fields.number(
        "The number of examined decisions that the finding is about, if it is counted.",
        optional=True,
    )


class GuardrailResultSchema(AnswerSchema):
    """A current guardrail, checked against the version."""

    id = fields.text()
    state = fields.choice(
        GuardrailState,
        "An `inapplicable` guardrail names something unknown to the version.",
    )
    message = fields.text("The reason why the guardrail does not hold.", nullable=True)
    example = fields.nested(ExampleSchema, "Facts that break the guardrail.", nullable=True)


class ExaminedDecisionsSchema(AnswerSchema):
    """The recorded decisions that were examined, with their recorded facts."""

    decisions = fields.number()
    complete = fields.flag("False if older decisions were not examined; the newest are.")


class CoverageSchema(AnswerSchema):
    """The rules that the document's own tests decide by."""

    rules = fields.number()
    untested = fields.items(fields.text(), "The ids of the rules that no test decides by.")
    suggested_tests = fields.items(
        fields.object_of(None), "A smallest set of tests that would decide by them."
    )
    unreachable = fields.items(fields.text(), "The ids of untested rules without known facts.")
    yaml = fields.text("The suggested tests as YAML, to be pasted.")


class ReportSchema(AnswerSchema):
    """The findings of a check of an accepted version."""

    version = fields.number()
    digest = fields.digest()
    findings = fields.list_of(FindingSchema)
    undecided = fields.items(
        fields.text(), "The codes of findings whose search ended early; there may be more."
    )
    properties = fields.items(fields.text(), "The ids of the proved properties.")
    coverage = fields.nested(CoverageSchema)
    recorded = fields.nested(ExaminedDecisionsSchema)
    guardrails = fields.list_of(GuardrailResultSchema, "The guardrails of the workspace today.")


class ChangeSchema(AnswerSchema):
    """One part of a document that differs."""

    name = fields.text()
    before = fields.any_value("Null if the earlier document lacks it.")
    after = fields.any_value("Null if the later document lacks it.")


class GroupRulingSchema(AnswerSchema):
    """The decision of one version on a group of facts."""

    rule = fields.text()
    outcome = fields.choice(Outcome)
    reason = fields.text()
    stage = fields.choice(Stage, "Null if the stage stays.", nullable=True)
    actions = fields.items(fields.object_of(None), "The actions in the default language.")


class SemanticChangeSchema(AnswerSchema):
    """A group of facts that the two versions decide differently."""

    texts_only = fields.flag("True if only texts differ.")
    before = fields.nested(GroupRulingSchema)
    after = fields.nested(GroupRulingSchema)
    fact_values = fields.object_of(
        fields.items(fields.text()), "The values of each fact that narrows the group, for people."
    )
    example = fields.object_of(
        fields.fact(nullable=True), "Facts of the group, as a test of a document gives them."
    )
    conversation = fields.items(
        fields.event(),
        """Events of which the last one has such facts. They belong to a workspace `example`; its
        active version is the earlier one. Null if no events were found.""",
        nullable=True,
    )
    decisions = fields.number(
        "The number of examined decisions in the group; each decision is in one group."
    )


class DiffSchema(AnswerSchema):
    """The differences between two versions, with defaults filled in."""

    version = fields.number()
    against = fields.number()
    settings = fields.list_of(ChangeSchema)
    rules = fields.list_of(ChangeSchema, "Guards, rules and `otherwise`, by id.")
    moved_rules = fields.items(fields.text(), "The ids of rules that stand in another order.")
    texts = fields.list_of(ChangeSchema, "The title, phrases and messages, by their place.")
    facts = fields.list_of(ChangeSchema, "Declared attributes.")
    properties = fields.list_of(ChangeSchema, "The properties of the document, by id.")
    semantic_changes = fields.list_of(
        SemanticChangeSchema, "The facts that are decided differently, over all possible facts."
    )
    semantic_changes_complete = fields.flag("False if there may be more semantic changes.")
    recorded = fields.nested(ExaminedDecisionsSchema)
