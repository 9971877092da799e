"""A finding, and the document that lints examine."""

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
    from rules.model.directory import WorkspaceDirectory
    from rules.model.document import Document, Scalar

MAX_SETTING_SETS = 8
"""Sets of settings under which conversations are searched for, including the document's own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A probable mistake in a document; it refuses nothing.

    `pointer` is a JSON pointer to the place. `example` has facts that show it, and their decision.
    `region` contains all facts concerned, if recorded decisions are to be counted.
    """

    pointer: str
    code: str
    message: str
    example: DecidedExample | None
    line: int | None = None
    region: Region | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class LintSubject:
    """A checked document, examined over all facts and under any settings.

    A value `$name` is as set. A test of a setting itself may have either result.
    """

    document: Document
    directory: WorkspaceDirectory = EMPTY_DIRECTORY
    max_steps: int = MAX_STEPS
    """Maximum steps of each of the two searches, under own and under any settings."""

    @cached_property
    def own_search(self) -> ReachabilitySearch:
        """The search under the document's own settings."""
        return ReachabilitySearch(
            self.document.own_binding,
            extra_whens=_STAGE_AND_TYPE_CONDITIONS,
            max_steps=self.max_steps,
        )

    @cached_property
    def any_search(self) -> ReachabilitySearch:
        """The search under any settings."""
        return ReachabilitySearch(
            self.document.own_binding,
            extra_whens=_STAGE_AND_TYPE_CONDITIONS,
            with_free_settings=True,
            max_steps=self.max_steps,
        )

    @cached_property
    def tree(self) -> DocumentTree:
        """The tree of the document, with pointers."""
        return DocumentTree(self.document.tree)

    @cached_property
    def pointers(self) -> dict[str, str]:
        """The pointer of each guard and rule, by id."""
        pointers = {OTHERWISE: json_pointer(OTHERWISE)}
        for section in ("guards", "rules"):
            for number, rule in enumerate(self.document.tree.get(section, ())):
                pointers[rule["id"]] = json_pointer(section, number)
        return pointers

    @cached_property
    def _facts_by_rule(self) -> dict[str, Mapping[str, Scalar]]:
        facts_by_rule: dict[str, Mapping[str, Scalar]] = {}
        for reach in (self.own_search, self.any_search):
            for case in reach.cases[0]:
                if (
                    case.rule.id not in facts_by_rule
                    and (facts := reach.find_reaching_facts(case)) is not None
                ):
                    facts_by_rule[case.rule.id] = facts
        return facts_by_rule

    def facts_reaching(self, rule: str) -> Mapping[str, Scalar] | None:
        """Return facts that the rule decides, with settings if these must differ."""
        return self._facts_by_rule.get(rule)

    def cases_of(self, rule: str) -> list[RuleCase]:
        """Return the ways for a rule to match, under any settings."""
        return [case for case in self.any_search.cases[0] if case.rule.id == rule]

    def build_example(self, facts: Mapping[str, Any]) -> DecidedExample:
        """Return the facts, their decision, and a conversation that leads to them if found."""
        example = build_example(self.document.own_binding, facts)
        try:
            search = self._conversation_search(example.given)
        except StepLimitError:  # the events that lead up to it stay unknown
            search = None
        if search is None:
            return example
        conversation = search.find_conversation(facts, example.decision.rule)
        return replace(example, conversation=conversation)

    def _conversation_search(self, given_facts: Mapping[str, Any]) -> ConversationSearch | None:
        """Return a search under the given settings; None if too many sets were searched."""
        overrides = overridden_settings(add_default_redirect(given_facts))
        key = encode_canonical(overrides)
        if key not in self._searches_by_settings:
            if len(self._searches_by_settings) >= MAX_SETTING_SETS:
                return None
            binding = self.document.own_binding
            if overrides:
                binding = self.document.bind({**self.document.settings, **overrides})
            self._searches_by_settings[key] = ConversationSearch(
                binding, self.any_search.space, self._leading_facts
            )
        return self._searches_by_settings[key]

    @cached_property
    def _searches_by_settings(self) -> dict[bytes, ConversationSearch]:
        return {}

    @cached_property
    def _leading_facts(self) -> list[Mapping[str, Scalar]]:
        return list(collect_leading_facts(self.document.own_binding.rules, self.facts_reaching))


_STAGE_AND_TYPE_CONDITIONS = tuple(
    When(((fact, OneOfCondition((word.value,))),))
    for fact, words in ((STAGE_FACT, Stage), (EVENT_TYPE_FACT, EventType))
    for word in words
)
