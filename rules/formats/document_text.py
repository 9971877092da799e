"""A rule document's text as plain values, each with its line, whatever their shape.

What two readers could understand differently is refused here: I-JSON (RFC 7493) for JSON, the core
schema of YAML 1.2 without aliases, tags and duplicate keys for YAML.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rules.errors import Complaint, InvalidDocumentError
from rules.formats.strict_json import MAX_DEPTH, StrictJsonError, parse_json
from rules.formats.yaml_reader import YamlReader

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DOCUMENT_BYTES = 1024 * 1024
"""Bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """Plain values, and the line (from 1) of each by its JSON pointer; no lines for JSON."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, pointer: str) -> int | None:
        """The line of a place, or of the nearest place around it that is there."""
        while pointer not in self.lines and pointer:
            pointer = pointer[: pointer.rindex("/")]
        return self.lines.get(pointer)


def read_yaml(text: str) -> DocumentSource:
    """Return the values of a YAML text; raise InvalidDocumentError with everything wrong in it."""
    _encode_text(text)
    reader = YamlReader()
    reader.read(text)
    if reader.complaints:
        raise InvalidDocumentError(sorted(reader.complaints, key=lambda c: (c.line or 0, c)))
    return DocumentSource(reader.value, reader.lines)


def read_json(body: bytes | str) -> DocumentSource:
    """The values of a JSON text; raises InvalidDocumentError with the first thing wrong with it."""
    body = _encode_text(body) if isinstance(body, str) else body
    _check_size(body)
    try:
        return DocumentSource(parse_json(body), {})
    except StrictJsonError as error:
        raise InvalidDocumentError([error.complaint]) from None


def read_value(value: object) -> DocumentSource:
    """A JSON value that was parsed already, held to the same."""
    try:
        body = json.dumps(value)
    except RecursionError:
        message = f"Nested deeper than {MAX_DEPTH}"
        raise InvalidDocumentError([Complaint("", "too_deep", message)]) from None
    except (TypeError, ValueError):
        complaint = Complaint("", "not_json", "The document is not a value of JSON")
        raise InvalidDocumentError([complaint]) from None
    return read_json(body)


def _encode_text(text: str) -> bytes:
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = "A text holds half a surrogate pair"
        raise InvalidDocumentError([Complaint("", "lone_surrogate", message, line)]) from None
    _check_size(body)
    return body


def _check_size(body: bytes) -> None:
    if len(body) > MAX_DOCUMENT_BYTES:
        message = f"A document has at most {MAX_DOCUMENT_BYTES:,} bytes"
        raise InvalidDocumentError([Complaint("", "document_too_large", message)])
