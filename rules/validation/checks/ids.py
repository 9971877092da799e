"""No two guards or rules have the same id, and no two tests the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode


def check_ids(draft: DocumentTree) -> Iterator[Complaint]:
    yield from _find_duplicates(rule.member("id") for rule in draft.rules())
    yield from _find_duplicates(
        test.member("name") for test in draft.root.member("tests").mappings()
    )


def _find_duplicates(names: Iterator[TreeNode]) -> Iterator[Complaint]:
    seen: dict[str, str] = {}
    for name in names:
        if not isinstance(name.value, str):
            continue
        if name.value in seen:
            message = f"{quote_word(name.value)} is at {seen[name.value]} too: write another one"
            yield name.complain("duplicate_id", message)
        seen.setdefault(name.value, name.pointer)
