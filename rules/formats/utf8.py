"""Text from bytes: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs

from rules.errors import Complaint

_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TextEncodingError(ValueError):
    """Bytes that are not UTF-8; `complaint` says so and quotes nothing from them."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.complaint = Complaint("", "not_utf_8", message)


def remove_byte_order_mark(body: bytes) -> bytes:
    """Return the bytes without the mark that some editors put in front of UTF-8."""
    return body.removeprefix(codecs.BOM_UTF8)


def decode_text(body: bytes) -> str:
    """Return the text of the bytes, without a byte order mark; raise TextEncodingError."""
    if body.startswith(_UTF_16_MARKS) or b"\0" in body[:2]:
        raise TextEncodingError("The text is UTF-16: save it as UTF-8")
    try:
        return remove_byte_order_mark(body).decode()
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise TextEncodingError(f"The text is not UTF-8 in line {line}: save it as UTF-8") from None
