"""The actions that rules name: where each is written, and facts for which it is carried out.

Under the settings as they stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.analysis.fact_space import intersect
from rules.model.document import REFERENCE, lookup_setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rules.analysis.fact_space import Box
    from rules.analysis.lints.lint import LintSubject
    from rules.analysis.reachability import RuleCase
    from rules.model.document import Action, Document, Rule, Scalar
    from rules.model.document_tree import TreeNode


class RuleAction(NamedTuple):
    """An action of a rule, the JSON pointer to where it is written, and the ways to the rule."""

    pointer: str
    rule: Rule
    action: Action
    cases: tuple[RuleCase, ...]


def list_actions(subject: LintSubject) -> Iterator[RuleAction]:
    """Every action of every guard and rule and of `otherwise`, in the order of the text."""
    cases: dict[str, tuple[RuleCase, ...]] = {}
    for case in subject.own_search.cases[0]:
        cases[case.rule.id] = (*cases.get(case.rule.id, ()), case)
    written = (*subject.tree.rules(), subject.tree.root.mapping("otherwise"))
    for part, rule in zip(written, subject.document.own_binding.rules, strict=True):
        places = _action_pointers(part, subject.document)
        for action, at in zip(rule.actions, places, strict=True):
            yield RuleAction(at, rule, action, cases.get(rule.id, ()))


def find_facts_for_action(
    subject: LintSubject, named: RuleAction, within: Mapping[str, int] | None = None
) -> dict[str, Scalar] | None:
    """Facts, of those within a box, for which the rule decides and the action is carried out."""
    inside: Box = dict(within or {})
    for case in named.cases:
        for way in subject.own_search.find_variants(case):
            box = intersect(way.box, inside) if named.action in way.actions else None
            facts = None if box is None else subject.own_search.find_facts(box, way.forbidden_bits)
            if facts is not None:
                return facts
    return None


def _action_pointers(rule: TreeNode, document: Document) -> Iterator[str]:
    """Where each action of a rule is written: in the rule, or in the setting that it names.

    A setting that is as built in is written nowhere: then it is where it is named.
    """
    for part in rule.member("actions").items():
        action = part.value
        named = _referenced_setting(
            action if isinstance(action, str) else next(iter(action.values()))
        )
        at = f"/settings/{named.replace('.', '/')}" if named else part.pointer
        if named and named.partition(".")[0] not in (document.tree.get("settings") or {}):
            at = part.pointer
        if named and isinstance(action, str):
            listed = len(lookup_setting(document.settings, named))
            yield from (f"{at}/{n}" if at != part.pointer else at for n in range(listed))
        else:
            yield at


def _referenced_setting(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """The setting that a value stands for."""
    named = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return named[1] if named else None
