"""The actions of rules: the place of each, and facts for which it is carried out.

Settings are as they stand in the document.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.analysis.fact_space import intersect
from rules.model.document import REFERENCE, lookup_setting
from rules.model.vocabulary import LANGUAGE_FACT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rules.analysis.fact_space import Box
    from rules.analysis.lints.lint import LintSubject
    from rules.analysis.reachability import RuleCase
    from rules.model.document import Action, Document, Rule, Scalar
    from rules.model.document_tree import TreeNode


class RuleAction(NamedTuple):
    """An action of a rule, the JSON pointer to its place, and the ways to the rule."""

    pointer: str
    rule: Rule
    action: Action
    cases: tuple[RuleCase, ...]


def list_actions(subject: LintSubject) -> Iterator[RuleAction]:
    """Return every action of guards, rules and `otherwise`, in the order of the text."""
    cases: dict[str, tuple[RuleCase, ...]] = {}
    for case in subject.own_search.cases[0]:
        cases[case.rule.id] = (*cases.get(case.rule.id, ()), case)
    rule_nodes = (*subject.tree.rules(), subject.tree.root.mapping("otherwise"))
    for node, rule in zip(rule_nodes, subject.document.own_binding.rules, strict=True):
        pointers = _action_pointers(node, subject.document)
        for action, pointer in zip(rule.actions, pointers, strict=True):
            yield RuleAction(pointer, rule, action, cases.get(rule.id, ()))


def find_facts_for_action(
    subject: LintSubject, action: RuleAction, limits: Mapping[str, int] | None = None
) -> dict[str, Scalar] | None:
    """Return facts within a box for which the rule decides and the action is carried out."""
    outer_box: Box = dict(limits or {})
    for case in action.cases:
        for variant in subject.own_search.find_variants(case):
            box = intersect(variant.box, outer_box) if action.action in variant.actions else None
            facts = (
                None if box is None else subject.own_search.find_facts(box, variant.forbidden_bits)
            )
            if facts is not None:
                return facts
    return None


def find_facts_in_language(
    subject: LintSubject, action: RuleAction, tag: str
) -> dict[str, Scalar] | None:
    """Return facts of a message in the language for which the action is carried out."""
    space = subject.own_search.space
    box = (
        {LANGUAGE_FACT: space.class_of(LANGUAGE_FACT, tag)}
        if LANGUAGE_FACT in space.examples
        else {}
    )
    facts = find_facts_for_action(subject, action, box)
    return None if facts is None else {**facts, LANGUAGE_FACT: tag}


def _action_pointers(node: TreeNode, document: Document) -> Iterator[str]:
    """Return the place of each action of a rule: in the rule, or in the setting it names.

    If the setting has its built-in value, the place is the reference to it.
    """
    for part in node.member("actions").items():
        action = part.value
        setting = _referenced_setting(
            action if isinstance(action, str) else next(iter(action.values()))
        )
        pointer = f"/settings/{setting.replace('.', '/')}" if setting else part.pointer
        if setting and setting.partition(".")[0] not in (document.tree.get("settings") or {}):
            pointer = part.pointer
        if setting and isinstance(action, str):
            item_count = len(lookup_setting(document.settings, setting))
            yield from (
                f"{pointer}/{n}" if pointer != part.pointer else pointer for n in range(item_count)
            )
        else:
            yield pointer


def _referenced_setting(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """Return the setting that a value refers to, None if it is not a reference."""
    reference = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return reference[1] if reference else None
