"""Canonical JSON by fixed examples; a property test compares it with RFC 8785."""

from __future__ import annotations

from typing import Any

import pytest

from rules.formats.canonical_json import digest_bytes, digest_value, encode_canonical


def test_example_of_rfc_8785_is_encoded_as_printed_there() -> None:
    """Section 3.2.2."""
    value = {
        "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": '\u20ac$\u000f\nA\'B"\\\\"/',
        "literals": [None, True, False],
    }
    assert encode_canonical(value).decode() == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_keys_are_sorted_by_utf_16_code_units() -> None:
    """Section 3.2.3: an emoji comes before a Hebrew presentation form."""
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\u0080", "\u00f6"]
    in_order = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    written = encode_canonical(dict.fromkeys(keys, 0)).decode()
    places = [written.index(key if key != "\r" else "\\r") for key in in_order]
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (-0.0, "0"),
        (1.0, "1"),
        (1e21, "1e+21"),
        (5e-324, "5e-324"),
        (2**53 - 1, "9007199254740991"),
        (-(2**53) + 1, "-9007199254740991"),
        ("\x7f\u2028", '"\x7f\u2028"'),
        ("\b\t\f\x01", '"\\b\\t\\f\\u0001"'),
        ((1, "a"), '[1,"a"]'),
        ({}, "{}"),
        ({"b": 1, "a": {"d": [], "c": 2.5}}, '{"a":{"c":2.5,"d":[]},"b":1}'),
    ],
)
def test_value_is_encoded_canonically(value: Any, written: str) -> None:
    assert encode_canonical(value).decode() == written


@pytest.mark.parametrize(
    "value",
    [
        2**53,
        -(2**53),
        float("nan"),
        float("inf"),
        float("-inf"),
        "\ud800",
        {"\udfff": 1},
        {1: 1},
        {None: 1},
        {"a": {1}},
        [frozenset()],
        b"bytes",
        {"a": 1.5, "b": "\ud800"},
        {"a": 1.5, "b": 2**53},
        {"a": 1.5, 2: 0},
    ],
    ids=repr,
)
def test_value_that_is_not_i_json_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="I-JSON"):
        encode_canonical(value)


def test_digest_starts_with_its_algorithm() -> None:
    empty = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert digest_value({}) == empty
    assert digest_bytes(b"{}") == empty
