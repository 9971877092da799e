"""Each message has a language tag and a key, and is a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from rules.validation.checks.settings import check_tag
from rules.validation.checks.values import check_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.errors import Complaint
    from rules.model.document_tree import DocumentTree

MAX_LANGUAGES = 200
MAX_MESSAGES = 1_000
_KEY_PATTERN = re.compile(r"[a-z0-9_]{1,64}")


def check_messages(tree: DocumentTree) -> Iterator[Complaint]:
    """Yield the complaints about the document's messages."""
    messages = tree.root.mapping("messages")
    if len(messages.value) > MAX_LANGUAGES:
        yield messages.complain("too_many", f"Write at most {MAX_LANGUAGES} languages")
    tag_by_lower_case: dict[str, str] = {}
    for tag, texts in messages.members():
        yield from check_tag(texts, tag)
        if (first_tag := tag_by_lower_case.setdefault(tag.lower(), tag)) != tag:
            message = f"This is the same language as {first_tag}: keep only one key"
            yield texts.complain("duplicate_language", message)
        if not isinstance(texts.value, dict):
            yield texts.complain("wrong_type", "Write a mapping of keys and texts")
            continue
        if len(texts.value) > MAX_MESSAGES:
            yield texts.complain("too_many", f"Write at most {MAX_MESSAGES:,} messages")
        for key, text in texts.members():
            if not _KEY_PATTERN.fullmatch(key):
                message = "Write a key of 1 to 64 lower-case letters, digits and underscores"
                yield text.complain("malformed_key", message)
            yield from check_text(text)
