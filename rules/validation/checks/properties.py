"""Each property has its own id, a set of facts, and the decisions allowed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word, suggest_words
from rules.model.document import OTHERWISE
from rules.model.vocabulary import Outcome, Stage
from rules.validation.checks.whens import check_when
from rules.validation.schema import ID_PATTERN, REASON_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode

DECISION_KEYS = ("outcome_in", "reason_in", "stage_in", "rule_in")
"""The members of a property that restrict decisions."""
MAX_VALUES = 1_000


def check_properties(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's properties."""
    pointers: dict[str, str] = {}
    known_values = {
        "outcome_in": ("unknown_outcome", [outcome.value for outcome in Outcome]),
        "stage_in": ("unknown_stage", [stage.value for stage in Stage]),
        "rule_in": ("unknown_rule", _rule_ids(tree)),
    }
    for property_ in tree.root.member("properties").mappings():
        yield from _check_id(property_.member("id"), pointers)
        for_all = property_.mapping("for_all")
        if for_all.value:
            yield from check_when(for_all, tree)
        if not any(key in property_.value for key in DECISION_KEYS):
            message = f"Add the allowed decisions: one of {', '.join(DECISION_KEYS)}"
            yield property_.complain("missing_key", message)
        for key in DECISION_KEYS:
            yield from _check_list(property_.member(key))
            for item in property_.member(key).items():
                yield from _check_item(item, *known_values.get(key, ("", None)))


def _rule_ids(tree: DocumentTree) -> list[str]:
    ids = (rule.value.get("id") for rule in tree.rules())
    return [*(rule_id for rule_id in ids if isinstance(rule_id, str)), OTHERWISE]


def _check_id(node: TreeNode, pointers: dict[str, str]) -> Iterator[Complaint]:
    if isinstance(node.value, str) and ID_PATTERN.fullmatch(node.value):
        if node.value in pointers:
            message = f"{pointers[node.value]} has the id {node.value} already: use a different id"
            yield node.complain("duplicate_id", message)
        pointers.setdefault(node.value, node.pointer)


def _check_list(node: TreeNode) -> Iterator[Complaint]:
    if isinstance(node.value, list) and not node.value:
        yield node.complain(
            "empty_list", "An empty list allows no decision: write at least one value"
        )
    elif isinstance(node.value, list) and len(node.value) > MAX_VALUES:
        yield node.complain("too_many", f"Write at most {MAX_VALUES:,} values")


def _check_item(item: TreeNode, code: str, known_values: list[str] | None) -> Iterator[Complaint]:
    if not isinstance(item.value, str):
        yield item.complain("wrong_type", "Write a text")
    elif known_values is not None and item.value not in known_values:
        message = f"{quote_word(item.value)} is unknown: {suggest_words(item.value, known_values)}"
        yield item.complain(code, message)
    elif known_values is None and not REASON_PATTERN.fullmatch(item.value):
        message = "Write 1 to 64 lower-case letters, digits and underscores"
        yield item.complain("malformed_reason", message)
