"""What names, lists of names and texts are like, wherever they stand."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules.formats.suggestions import instead, quoted
from rules.model.vocabulary import PLACEHOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import Part

LONGEST_NAME = 200
LONGEST_TEXT = 2_000
MOST_NAMES = 1_000
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


def wrong_name(part: Part) -> Iterator[Complaint]:
    """What is wrong with a plan, a team, a tag, a field: a short text."""
    if not isinstance(part.value, str):
        yield part.complain("wrong_type", "Write a text, in quotes if need be")
    elif not part.value.strip():
        yield part.complain("empty_text", "Write a text that is not blank")
    elif len(part.value) > LONGEST_NAME:
        yield part.complain("too_long", f"Write at most {LONGEST_NAME} characters")


def wrong_names(part: Part) -> Iterator[Complaint]:
    """What is wrong with a list of names, which may be empty."""
    if not isinstance(part.value, list):
        yield part.complain("wrong_type", "Write a list of texts, such as [email]")
    elif len(part.value) > MOST_NAMES:
        yield part.complain("too_many", f"Write at most {MOST_NAMES:,}")
    for item in part.items():
        yield from wrong_name(item)


def wrong_text(part: Part) -> Iterator[Complaint]:
    """What is wrong with a text for people, in which `{email}` and the like are filled in."""
    if not isinstance(part.value, str):
        yield part.complain("wrong_type", "Write a text, in quotes if need be")
    elif not part.value.strip():
        yield part.complain("empty_text", "Write a text that is not blank")
    elif len(part.value) > LONGEST_TEXT:
        yield part.complain("too_long", f"Write at most {LONGEST_TEXT:,} characters")
    else:
        for name in _PLACEHOLDER.findall(part.value):
            if name not in PLACEHOLDERS:
                message = f"{quoted(name)} is no placeholder: {instead(name, PLACEHOLDERS)}"
                yield part.complain("unknown_placeholder", message)
