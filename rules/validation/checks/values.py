"""The checks of names, lists of names and texts, which are equal in all places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules.formats.suggestions import quote_word, suggest_words
from rules.model.vocabulary import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import TreeNode

MAX_NAME_LENGTH = 200
MAX_TEXT_LENGTH = 2_000
MAX_NAMES = 1_000
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_BRACE = re.compile("[{}\uff5b\uff5d]")
_MARKED_PLACEHOLDER = re.compile(r"[$%#@\\]\{(?:" + "|".join(PLACEHOLDERS) + r")\}")
"""A placeholder with the marker of another notation in front, such as `${email}`."""


def check_name(node: TreeNode) -> Iterator[Complaint]:
    """Yield the complaints about a plan, a team, a tag or a field: a short text."""
    if not isinstance(node.value, str):
        yield node.complain("wrong_type", "Write a text, in quotes if necessary")
    elif not node.value.strip():
        yield node.complain("empty_text", "Write a text that is not blank")
    elif len(node.value) > MAX_NAME_LENGTH:
        yield node.complain("too_long", f"Write at most {MAX_NAME_LENGTH} characters")


def check_names(node: TreeNode) -> Iterator[Complaint]:
    """Yield the complaints about a list of names, which may be empty."""
    if not isinstance(node.value, list):
        yield node.complain("wrong_type", "Write a list of texts, such as [email]")
    elif len(node.value) > MAX_NAMES:
        yield node.complain("too_many", f"Write at most {MAX_NAMES:,} names")
    for item in node.items():
        yield from check_name(item)


def check_text(node: TreeNode) -> Iterator[Complaint]:
    """Yield the complaints about a text for people, which may have placeholders."""
    if not isinstance(node.value, str):
        yield node.complain("wrong_type", "Write a text, in quotes if necessary")
    elif not node.value.strip():
        yield node.complain("empty_text", "Write a text that is not blank")
    elif len(node.value) > MAX_TEXT_LENGTH:
        yield node.complain("too_long", f"Write at most {MAX_TEXT_LENGTH:,} characters")
    else:
        for name in _PLACEHOLDER.findall(node.value):
            if name not in PLACEHOLDERS:
                suggestion = suggest_words(name, PLACEHOLDERS)
                message = f"{quote_word(name)} is not a placeholder: {suggestion}"
                yield node.complain("unknown_placeholder", message)
        if _BRACE.search(_PLACEHOLDER.sub("", node.value)) or _MARKED_PLACEHOLDER.search(
            node.value
        ):
            message = "Write placeholders as {email}: no other braces, and no $ or % in front"
            yield node.complain("stray_brace", message)
