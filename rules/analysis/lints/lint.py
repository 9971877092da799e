"""What a finding is, and the document that findings are looked for in."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rules.analysis.example import DecidedExample, build_example
from rules.analysis.example_conversations import ConversationSearch, collect_leading_facts
from rules.analysis.reachability import MAX_STEPS, ReachabilitySearch
from rules.analysis.solver import StepLimitError
from rules.errors import json_pointer
from rules.formats.canonical_json import encode_canonical
from rules.model.directory import EMPTY_DIRECTORY
from rules.model.document import OTHERWISE, OneOfCondition, When
from rules.model.document_tree import DocumentTree
from rules.model.test_defaults import add_default_redirect, overridden_settings
from rules.model.vocabulary import EVENT_TYPE_FACT, STAGE_FACT, EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rules.analysis.reachability import RuleCase
    from rules.analysis.regions import Region
    from rules.model.directory import Directory
    from rules.model.document import Document, Scalar

MAX_SETTING_SETS = 8
"""Sets of settings, the document's own among them, under which conversations are looked for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing in a document that is probably not what was meant; it refuses nothing.

    `pointer` is a JSON pointer to where, `example` facts that show it and what they get. `region`
    is all facts that it is told of, where recorded decisions are to be counted.
    """

    pointer: str
    code: str
    message: str
    example: DecidedExample | None
    line: int | None = None
    region: Region | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class LintSubject:
    """A checked document, looked at over all facts, whatever its settings are set to.

    What `$name` stands for is as it is; what is asked of a setting itself may come out either way.
    """

    document: Document
    directory: Directory = EMPTY_DIRECTORY
    most_steps: int = MAX_STEPS
    """Of each of the two searches, under the settings as they stand and under any."""

    @cached_property
    def own(self) -> ReachabilitySearch:
        """Under the settings as they stand."""
        return ReachabilitySearch(
            self.document.own, asked=_STAGE_AND_TYPE_CONDITIONS, most_steps=self.most_steps
        )

    @cached_property
    def any(self) -> ReachabilitySearch:
        """Under any settings."""
        return ReachabilitySearch(
            self.document.own,
            asked=_STAGE_AND_TYPE_CONDITIONS,
            free=True,
            most_steps=self.most_steps,
        )

    @cached_property
    def draft(self) -> DocumentTree:
        return DocumentTree(self.document.tree)

    @cached_property
    def pointers(self) -> dict[str, str]:
        """Where each guard and rule stands, by id."""
        found = {OTHERWISE: json_pointer(OTHERWISE)}
        for listed in ("guards", "rules"):
            for number, rule in enumerate(self.document.tree.get(listed, ())):
                found[rule["id"]] = json_pointer(listed, number)
        return found

    @cached_property
    def _reached(self) -> dict[str, Mapping[str, Scalar]]:
        found: dict[str, Mapping[str, Scalar]] = {}
        for reach in (self.own, self.any):
            for case in reach.cases[0]:
                if case.rule.id not in found and (facts := reach.reaching(case)) is not None:
                    found[case.rule.id] = facts
        return found

    def reached(self, rule: str) -> Mapping[str, Scalar] | None:
        """Facts that the rule decides; settings stand among them where they are to be otherwise."""
        return self._reached.get(rule)

    def cases(self, rule: str) -> list[RuleCase]:
        """The ways for a rule to hold, under any settings."""
        return [case for case in self.any.cases[0] if case.rule.id == rule]

    def example(self, facts: Mapping[str, Any]) -> DecidedExample:
        """The facts, what they get, and a conversation that comes to them, where one is found."""
        example = build_example(self.document.own, facts)
        try:
            happening = self._happening(example.given)
        except StepLimitError:  # what leads up to it is not known
            happening = None
        if happening is None:
            return example
        conversation = happening.ending_in(facts, example.decided.rule)
        return replace(example, conversation=conversation)

    def _happening(self, given: Mapping[str, Any]) -> ConversationSearch | None:
        """Conversations under the settings given; None where too many others were asked for."""
        over = overridden_settings(add_default_redirect(given))
        key = encode_canonical(over)
        if key not in self._conversations:
            if len(self._conversations) >= MAX_SETTING_SETS:
                return None
            bound = self.document.own
            if over:
                bound = self.document.bound({**self.document.settings, **over})
            self._conversations[key] = ConversationSearch(bound, self.any.space, self._leading)
        return self._conversations[key]

    @cached_property
    def _conversations(self) -> dict[bytes, ConversationSearch]:
        return {}

    @cached_property
    def _leading(self) -> list[Mapping[str, Scalar]]:
        return list(collect_leading_facts(self.document.own.rules, self.reached))


_STAGE_AND_TYPE_CONDITIONS = tuple(
    When(((fact, OneOfCondition((word.value,))),))
    for fact, words in ((STAGE_FACT, Stage), (EVENT_TYPE_FACT, EventType))
    for word in words
)
