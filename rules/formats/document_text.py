"""The text of a rule document as plain values with line numbers; shapes are not checked.

Text that two readers could understand differently is refused: JSON must be I-JSON (RFC 7493), YAML
must be of the core schema of YAML 1.2, without aliases, tags and duplicate keys.
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
"""Maximum size of a document, in bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class DocumentSource:
    """Plain values and the line of each, from 1, by JSON pointer. JSON has no lines."""

    value: Any
    lines: Mapping[str, int]

    def line_of(self, pointer: str) -> int | None:
        """Return the line of a place, or of the nearest place around it that has a line."""
        while pointer not in self.lines and pointer:
            pointer = pointer[: pointer.rindex("/")]
        return self.lines.get(pointer)


def read_yaml(text: str) -> DocumentSource:
    """Return the values of a YAML text; raise InvalidDocumentError with everything wrong in it."""
    text = text.removeprefix("\ufeff")
    _encode_text(text)
    reader = YamlReader()
    reader.read(text)
    if reader.complaints:
        raise InvalidDocumentError(sorted(reader.complaints, key=lambda c: (c.line or 0, c)))
    return DocumentSource(reader.value, reader.lines)


def read_json(body: bytes | str) -> DocumentSource:
    """Return the values of a JSON text.

    Raises InvalidDocumentError with the first thing that is wrong.
    """
    body = _encode_text(body) if isinstance(body, str) else body
    _check_size(body)
    try:
        return DocumentSource(parse_json(body), {})
    except StrictJsonError as error:
        raise InvalidDocumentError([error.complaint]) from None


def read_value(value: object) -> DocumentSource:
    """Return a parsed JSON value as a source; it must meet the same rules as a text."""
    try:
        body = json.dumps(value)
    except RecursionError:
        message = f"The document is nested deeper than {MAX_DEPTH} levels"
        raise InvalidDocumentError([Complaint("", "too_deep", message)]) from None
    except (TypeError, ValueError):
        complaint = Complaint("", "not_json", "The document is not a JSON value")
        raise InvalidDocumentError([complaint]) from None
    return read_json(body)


def _encode_text(text: str) -> bytes:
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        message = "A text contains half a surrogate pair"
        raise InvalidDocumentError([Complaint("", "lone_surrogate", message, line)]) from None
    _check_size(body)
    return body


def _check_size(body: bytes) -> None:
    if len(body) > MAX_DOCUMENT_BYTES:
        message = f"The document is larger than {MAX_DOCUMENT_BYTES:,} bytes"
        raise InvalidDocumentError([Complaint("", "document_too_large", message)])
