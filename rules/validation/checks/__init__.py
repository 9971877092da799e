"""What is wrong with a document's vocabulary: one check per file, each over the whole draft.

A check looks at the parts whose shape is right and passes over the others.
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
    from rules.model.document_tree import Draft

Check: TypeAlias = "Callable[[Draft], Iterator[Complaint]]"

CHECKS: dict[str, Check] = {
    "settings": settings.check,
    "answers": answers.check,
    "messages": messages.check,
    "facts": facts.check,
    "ids": ids.check,
    "whens": whens.check,
    "actions": actions.check,
    "texts": texts.check,
    "expectations": expectations.check,
    "properties": properties.check,
}
"""Every check, by the name of its file."""
