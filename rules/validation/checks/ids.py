"""No two guards or rules have the same id, and no two tests the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode


def check_ids(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield a complaint for each id or name that is used again."""
    yield from _find_duplicates(rule.member("id") for rule in tree.rules())
    yield from _find_duplicates(
        test.member("name") for test in tree.root.member("tests").mappings()
    )


def _find_duplicates(nodes: Iterator[TreeNode]) -> Iterator[Complaint]:
    pointers: dict[str, str] = {}
    for node in nodes:
        if not isinstance(node.value, str):
            continue
        if node.value in pointers:
            word = quote_word(node.value)
            message = f"{word} is already used at {pointers[node.value]}: use a different name"
            yield node.complain("duplicate_id", message)
        pointers.setdefault(node.value, node.pointer)
