"""Bytes are read as UTF-8, with or without a byte order mark."""

from __future__ import annotations

import pytest

from rules.formats.document_text import read_json, read_yaml
from rules.formats.strict_json import StrictJsonError, parse_json
from rules.formats.utf8 import TextEncodingError, decode_text

MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("body", [b'{"a":1}', b'{ "a" : 1.0 }', b'{"a":"\xc3\xa9"}', b"[]", b""])
def test_one_byte_order_mark_is_ignored(body: bytes) -> None:
    assert decode_text(MARK + body) == body.decode()
    assert decode_text(MARK + MARK + body) == "\ufeff" + body.decode()


@pytest.mark.parametrize("body", [b'{"a":1}', b'{ "a" : 1.0 }', b'{"a":null}'])
def test_json_and_yaml_ignore_a_byte_order_mark(body: bytes) -> None:
    assert parse_json(MARK + body) == parse_json(body)
    text = (MARK + body).decode()
    assert read_json(text).value == read_yaml(text).value == parse_json(body)
    assert read_yaml("\ufeff# a comment\na: 1").value == {"a": 1}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(encoding: str) -> None:
    with pytest.raises(TextEncodingError, match=r"^The text is UTF-16: save it as UTF-8$"):
        decode_text("a: 1".encode(encoding))
    with pytest.raises(StrictJsonError, match="UTF-16"):
        parse_json('{"a": 1}'.encode(encoding))


def test_other_encodings_are_refused_with_the_line() -> None:
    with pytest.raises(TextEncodingError, match="not UTF-8 in line 2"):
        decode_text(b"a: 1\nb: \xe9")
