"""I-JSON (RFC 7493): text that two readers could understand differently is refused."""

from __future__ import annotations

from typing import Any

import pytest

from rules.formats.strict_json import (
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    StrictJsonError,
    parse_json,
    remove_nulls,
)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{} {}", "not_json"),
        (b"{'a': 1}", "not_json"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not_json"),
        (b"NaN", "not_json"),
        (b"[-Infinity]", "not_json"),
        (b'"\xff"', "not_utf_8"),
        (b'{"a": 1, "a": 1}', "duplicate_key"),
        (b'{"a": null, "a": 1}', "duplicate_key"),
        (b'["\\ud800"]', "lone_surrogate"),
        (b'{"\\udfff": 1}', "lone_surrogate"),
        (b"9007199254740992", "number_out_of_range"),
        (b"-1e400", "number_out_of_range"),
        (b"1" * 5_000, "number_out_of_range"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep"),
        (b"[" * 200_000, "too_deep"),
    ],
    ids=lambda value: value[:24].decode(errors="replace") if isinstance(value, bytes) else value,
)
def test_body_that_is_not_i_json_is_refused_with_its_code(body: bytes, code: str) -> None:
    with pytest.raises(StrictJsonError) as refusal:
        parse_json(body, null_is_absent=True)
    assert refusal.value.complaint.code == code


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"9007199254740991", MAX_SAFE_INTEGER),
        (b"[0.1, -1e-7, 1e20, 1e308]", [0.1, -1e-7, 1e20, 1e308]),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        (b'{"a": [null], "b": null}', {"a": [None], "b": None}),
    ],
)
def test_i_json_is_parsed(body: bytes, value: Any) -> None:
    assert value is None or parse_json(body) == value
    parse_json(body)


@pytest.mark.parametrize("text", [b"40.0", b"4e1", b"400e-1"])
def test_whole_number_is_an_integer_in_every_notation(text: bytes) -> None:
    assert type(parse_json(text)) is int


def test_null_member_is_absent_when_null_is_absent_is_set() -> None:
    body = b'{"a": null, "b": {"c": null}, "d": [null]}'
    assert parse_json(body, null_is_absent=True) == {"b": {}, "d": [None]}


@pytest.mark.parametrize(
    "body", [b"null", b'{"a": null, "b": [null, {"c": null, "d": {"e": null}}], "f": {}}', b"[1]"]
)
def test_remove_nulls_equals_parsing_with_null_is_absent(body: bytes) -> None:
    assert remove_nulls(parse_json(body)) == parse_json(body, null_is_absent=True)
