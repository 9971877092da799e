"""Each custom attribute has a name, a type and, if it is an enum, its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word, suggest_words
from rules.model.vocabulary import ATTRIBUTE_TYPES, FactType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree, TreeNode

MAX_FACTS = 1_000
_NAME_PATTERN = re.compile(r"attributes\.[A-Za-z0-9_.-]{1,64}")
_KEYS = ("type", "values", "personal")
_MAX_VALUE_LENGTH = 200


def check_facts(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about declared attributes."""
    facts = tree.root.mapping("facts")
    if len(facts.value) > MAX_FACTS:
        yield facts.complain("too_many", f"Declare at most {MAX_FACTS:,} facts")
    for name, declaration in facts.members():
        if not _NAME_PATTERN.fullmatch(name):
            message = (
                "Only attributes can be declared: write attributes. and 1 to 64 letters or digits"
            )
            yield declaration.complain("malformed_fact", message)
        if isinstance(declaration.value, dict):
            yield from _check_declaration(declaration)
        else:
            yield declaration.complain("wrong_type", "Write a mapping such as {type: integer}")


def _check_declaration(declaration: TreeNode) -> Iterator[Complaint]:
    for key, node in declaration.members():
        if key not in _KEYS:
            yield node.complain(
                "unknown_key", f"{quote_word(key)} is not a key here: {suggest_words(key, _KEYS)}"
            )
    kind = declaration.member("type")
    if "type" not in declaration.value:
        message = f"The type is missing: write one of {', '.join(ATTRIBUTE_TYPES)}"
        yield kind.complain("missing_key", message)
    elif kind.value not in ATTRIBUTE_TYPES:
        message = f"Write one of {', '.join(ATTRIBUTE_TYPES)}"
        yield kind.complain("unknown_type", message)
    if not isinstance(declaration.value.get("personal", False), bool):
        yield declaration.member("personal").complain("wrong_type", "Write true or false")
    yield from _check_values(declaration)


def _check_values(declaration: TreeNode) -> Iterator[Complaint]:
    values = declaration.member("values")
    if declaration.value.get("type") != FactType.ENUM:
        if "values" in declaration.value:
            yield values.complain(
                "unknown_key", "Only an enum has values: write {type: enum}, or remove them"
            )
    elif not isinstance(values.value, list) or not values.value:
        yield values.complain("missing_values", "An enum needs values: write a list of texts")
    for value in values.items():
        if not isinstance(value.value, str) or not 1 <= len(value.value) <= _MAX_VALUE_LENGTH:
            message = f"Write a text of 1 to {_MAX_VALUE_LENGTH} characters, in quotes if necessary"
            yield value.complain("wrong_type", message)
