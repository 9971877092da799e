"""The checks of a document's vocabulary: one per file, each over the whole tree.

A check looks at the parts that have the right shape and skips the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rules.validation.checks import (
    actions,
    answers,
    expectations,
    facts,
    ids,
    messages,
    properties,
    settings,
    texts,
    whens,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree

DocumentCheck: TypeAlias = "Callable[[DocumentTree], Iterator[Complaint]]"

CHECKS: dict[str, DocumentCheck] = {
    "settings": settings.check_settings,
    "answers": answers.check_answers,
    "messages": messages.check_messages,
    "facts": facts.check_facts,
    "ids": ids.check_ids,
    "whens": whens.check_whens,
    "actions": actions.check_actions,
    "texts": texts.check_texts,
    "expectations": expectations.check_expectations,
    "properties": properties.check_properties,
}
"""Every check, by the name of its file."""
