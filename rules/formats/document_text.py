"""A rule document's text as plain values, each with its line, whatever their shape.

What two readers could understand differently is refused here: I-JSON (RFC 7493) for JSON, the core
schema of YAML 1.2 without aliases, tags and duplicate keys for YAML.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.errors import Complaint, DocumentRefused
from rules.formats.strict_json import DEEPEST, NotIJson, loads
from rules.formats.yaml_reader import Reader

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_DOCUMENT = 1024 * 1024
"""Bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class Source:
    """Plain values, and the line (from 1) of each by its JSON pointer; no lines for JSON."""

    value: Any
    lines: Mapping[str, int]

    def line(self, at: str) -> int | None:
        """The line of a place, or of the nearest place around it that is there."""
        while at not in self.lines and at:
            at = at[: at.rindex("/")]
        return self.lines.get(at)


def read_yaml(text: str) -> Source:
    """The values of a YAML text; raises DocumentRefused with all that is wrong with the text."""
    _encoded(text)
    reader = Reader()
    reader.read(text)
    if reader.complaints:
        raise DocumentRefused(sorted(reader.complaints, key=lambda c: (c.line or 0, c)))
    return Source(reader.value, reader.lines)


def read_json(body: bytes | str) -> Source:
    """The values of a JSON text; raises DocumentRefused with the first thing wrong with it."""
    body = _encoded(body) if isinstance(body, str) else body
    _refuse_large(body)
    try:
        return Source(loads(body), {})
    except NotIJson as error:
        raise DocumentRefused([error.complaint]) from None


def plain(value: object) -> Source:
    """A JSON value that was parsed already, held to the same."""
    try:
        body = json.dumps(value)
    except RecursionError:
        message = f"Nested deeper than {DEEPEST}"
        raise DocumentRefused([Complaint("", "too_deep", message)]) from None
    except (TypeError, ValueError):
        complaint = Complaint("", "not_json", "The document is not a value of JSON")
        raise DocumentRefused([complaint]) from None
    return read_json(body)


def _encoded(text: str) -> bytes:
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = "A text holds half a surrogate pair"
        raise DocumentRefused([Complaint("", "lone_surrogate", message, line)]) from None
    _refuse_large(body)
    return body


def _refuse_large(body: bytes) -> None:
    if len(body) > LARGEST_DOCUMENT:
        message = f"A document has at most {LARGEST_DOCUMENT:,} bytes"
        raise DocumentRefused([Complaint("", "document_too_large", message)])
