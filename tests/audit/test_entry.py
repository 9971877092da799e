"""Leaves and commitments on disk."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rfc8785 import dumps

from audit.entry import (
    EntryKind,
    compute_commitment,
    encode_leaf,
    format_time,
    is_time,
)
from audit.errors import BadLeafError
from audit.log.leaf import MAX_NESTING, encode_canonical_json, read_leaf
from audit.log.merkle import hash_leaf

LEAF = {
    "workspace": "acme",
    "kind": "version.retired",
    "format": 1,
    "version": 1,
    "by": "key-é",
    "at": "2026-11-22T12:00:00.000Z",
}
BYTES = (
    b'{"at":"2026-11-22T12:00:00.000Z","by":"key-\xc3\xa9","format":1,'
    b'"kind":"version.retired","version":1,"workspace":"acme"}'
)
LEAF_HASH = "8fb36a246a60961c6ab37906c8b7a156210fffe9841f5045aaed090907120637"

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_leaf_has_its_recorded_bytes() -> None:
    """The fixed vector of format 1: what was ever written stays readable and keeps its hash."""
    assert encode_leaf(LEAF) == BYTES
    assert read_leaf(BYTES) == LEAF
    assert hash_leaf(BYTES).hex() == LEAF_HASH


@given(st.dictionaries(st.text(max_size=6), plain, max_size=4))
def test_leaf_is_read_as_it_was_written(members: dict[str, Any]) -> None:
    leaf = {**members, **LEAF}
    assert read_leaf(encode_leaf(leaf)) == leaf
    assert read_leaf(encode_leaf(leaf)) == leaf


@given(plain | st.dictionaries(st.text("a\u00e9\ud7ff\ue000\uffff\U00010000\\\x7f\0"), plain))
def test_encode_canonical_json_follows_rfc_8785(value: Any) -> None:
    """Wherever there is no floating-point number."""
    assert encode_canonical_json(value) == dumps(value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        BYTES + b"\n",
        BYTES.replace(b",", b", ", 1),
        BYTES.replace(b'"version":1,', b'"version":1,"version":1,'),
        BYTES.replace(b'"version":1,', b'"version":1.0,'),
        BYTES.replace(b'"version":1,', b'"version":1e0,'),
        BYTES.replace(b'"format":1', b'"format":2'),
        BYTES.replace(b"retired", b"tired"),
        BYTES.replace(b"T12", b"T25"),
        BYTES.replace(b'"acme"', b"[" * 9000 + b"]" * 9000),
        BYTES.replace(b'"version":1,', b'"version":9007199254740992,'),
        BYTES.replace(b'"version":1,', b'"version":-0,'),
        BYTES.replace(b'"version":1,', b'"version":NaN,'),
        BYTES.replace(b'"acme"', b'"\\ud800"'),
        BYTES.replace(b'"acme"', b'"\\u0061cme"'),
        b"\xef\xbb\xbf" + BYTES,
    ],
)
def test_read_leaf_refuses_other_bytes(body: bytes) -> None:
    """One leaf has one encoding, so that its hash says all of it."""
    with pytest.raises(BadLeafError):
        read_leaf(body)


@pytest.mark.parametrize("depth", [MAX_NESTING - 1, MAX_NESTING])
def test_leaf_is_refused_when_nested_too_deep(depth: int) -> None:
    """Every interpreter reads the same leaves; their own limits differ."""
    body = BYTES.replace(b'"acme"', b"[" * depth + b"]" * depth)
    if depth < MAX_NESTING:
        assert encode_leaf(read_leaf(body)) == body
    else:
        with pytest.raises(BadLeafError):
            read_leaf(body)


def test_check_leaf_finds_a_float_at_any_depth() -> None:
    with pytest.raises(BadLeafError):
        encode_leaf({**LEAF, "facts": {"a": [1, {"b": (2, 0.5)}]}})


def test_commitment_covers_salt_and_part() -> None:
    """The fixed vector: SHA-256 over 32 bytes of salt and the part, standard base64."""
    assert (
        compute_commitment(bytes(range(32)), b'{"id":"ev-1"}')
        == "3NO9xcxsQuYs7jKWs0iFZM/TNsJTWYYyIUm9mHiRiK4="
    )


def test_kinds_are_those_of_the_specification() -> None:
    """A kind that is missing here could not be written; one that is renamed not be read."""
    assert [*EntryKind] == [
        "decision",
        "action.delivered",
        "action.failed",
        "action.withdrawn",
        "action.retried",
        "version.proposed",
        "version.approved",
        "version.rejected",
        "version.superseded",
        "version.activated",
        "version.retired",
        "version.scheduled",
        "version.unscheduled",
        "version.suspended",
        "version.approvals",
        "version.guardrails",
        "directory.replaced",
        "contact.erased",
        "erasure.refused",
        "hold.set",
        "hold.released",
        "key.created",
        "key.revoked",
        "checkpoint",
        "ledger.restored",
    ]


def test_format_time_writes_utc_milliseconds() -> None:
    """Of one length, so that their order as text is their order as times."""
    moment = datetime(2026, 11, 22, 1, 30, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(moment) == "2026-11-21T23:30:00.999Z"
    assert format_time(datetime(33, 1, 1, tzinfo=UTC)) == "0033-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    "text",
    [
        None,
        12,
        "",
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:00.000+00:00",
        "2026-11-22 12:00:00.000Z",
        "2026-11-22T24:00:00.000Z",
        "2026-13-01T12:00:00.000Z",
        "\uff12026-11-22T12:00:00.000Z",
        "2026-11-22T12:00:00.000Z\n",
    ],
)
def test_leaf_is_refused_when_its_time_has_another_format(text: object) -> None:
    assert not is_time(text)
