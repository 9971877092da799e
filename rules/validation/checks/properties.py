"""Each property has an id of its own, facts it is about, and the decisions that they may get."""

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
"""What a property may hold decisions to."""
MAX_VALUES = 1_000


def check_properties(draft: DocumentTree) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    known = {
        "outcome_in": ("unknown_outcome", [outcome.value for outcome in Outcome]),
        "stage_in": ("unknown_stage", [stage.value for stage in Stage]),
        "rule_in": ("unknown_rule", _rule_ids(draft)),
    }
    for stated in draft.root.member("properties").mappings():
        yield from _check_id(stated.member("id"), seen)
        for_all = stated.mapping("for_all")
        if for_all.value:
            yield from check_when(for_all, draft)
        if not any(key in stated.value for key in DECISION_KEYS):
            message = f"Write what the decision may be: one of {', '.join(DECISION_KEYS)}"
            yield stated.complain("missing_key", message)
        for key in DECISION_KEYS:
            yield from _check_list(stated.member(key))
            for item in stated.member(key).items():
                yield from _check_item(item, *known.get(key, ("", None)))


def _rule_ids(draft: DocumentTree) -> list[str]:
    ids = (rule.value.get("id") for rule in draft.rules())
    return [*(each for each in ids if isinstance(each, str)), OTHERWISE]


def _check_id(part: TreeNode, seen: dict[str, str]) -> Iterator[Complaint]:
    if isinstance(part.value, str) and ID_PATTERN.fullmatch(part.value):
        if part.value in seen:
            message = f"{seen[part.value]} has the id {part.value} too: give it another"
            yield part.complain("duplicate_id", message)
        seen.setdefault(part.value, part.pointer)


def _check_list(part: TreeNode) -> Iterator[Complaint]:
    if isinstance(part.value, list) and not part.value:
        yield part.complain("empty_list", "No decision is in an empty list: write one value")
    elif isinstance(part.value, list) and len(part.value) > MAX_VALUES:
        yield part.complain("too_many", f"Write at most {MAX_VALUES:,} values")


def _check_item(item: TreeNode, code: str, known: list[str] | None) -> Iterator[Complaint]:
    if not isinstance(item.value, str):
        yield item.complain("wrong_type", "Write a text")
    elif known is not None and item.value not in known:
        message = f"{quote_word(item.value)} is unknown: {suggest_words(item.value, known)}"
        yield item.complain(code, message)
    elif known is None and not REASON_PATTERN.fullmatch(item.value):
        message = "Write 1 to 64 lower-case letters, digits and underscores"
        yield item.complain("malformed_reason", message)
