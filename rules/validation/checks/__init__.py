"""The checks of a document's vocabulary: one per file, each over the whole tree.

A check looks at the parts that have the right shape and skips the others. Several checks share
`conditions`, `redirect`, `references` and `values`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rules.validation.checks import (
    action_texts,
    actions,
    answers,
    expectations,
    facts,
    ids,
    messages,
    properties,
    settings,
    whens,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree

DocumentCheck: TypeAlias = "Callable[[DocumentTree], Iterator[Complaint]]"

CHECKS: tuple[DocumentCheck, ...] = (
    settings.check_settings,
    answers.check_answers,
    messages.check_messages,
    facts.check_facts,
    ids.check_ids,
    whens.check_whens,
    actions.check_actions,
    action_texts.check_action_texts,
    expectations.check_expectations,
    properties.check_properties,
)
"""Every check, in the order in which the checks run."""
