"""The laws of canonical JSON, against the reference implementation."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.formats.canonical_json import digest_bytes, digest_value, encode_canonical
from tests.properties.strategies import STEADY, json_values

keys_of_all_planes = st.text(
    st.sampled_from('a\u00e9\ud7ff\ue000\uffff\U00010000\U0010ffff"\\\n\x7f\x00'), max_size=3
)


@STEADY
@given(json_values)
def test_canonical_json_equals_the_reference_implementation(value: Any) -> None:
    assert encode_canonical(value) == rfc8785.dumps(value)


@STEADY
@given(st.dictionaries(keys_of_all_planes, st.integers(0, 9), max_size=6))
def test_canonical_json_orders_keys_by_utf_16(value: dict[str, int]) -> None:
    """Beyond the Basic Multilingual Plane this differs from the order of code points."""
    assert encode_canonical(value) == rfc8785.dumps(value)
    in_order = sorted(value, key=lambda key: key.encode("utf-16-be"))
    assert list(json.loads(encode_canonical(value))) == in_order


@STEADY
@given(json_values)
def test_canonical_json_is_stable_when_read_back(value: Any) -> None:
    """Except for whole numbers of 16 to 21 digits, which RFC 8785 writes and I-JSON refuses."""
    body = encode_canonical(value)
    assume(not re.search(rb"[0-9]{16}", body))
    assert encode_canonical(orjson.loads(body)) == body


@STEADY
@given(json_values)
def test_digest_is_computed_over_the_canonical_bytes(value: Any) -> None:
    assert digest_value(value) == digest_bytes(encode_canonical(value))
