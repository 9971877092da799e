"""How a leaf stands in its row."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from audit.entry import encode_leaf
from audit.stores.row_codec import COLUMNS, MAX_TEXT_BYTES, WORDS, pack_leaf, unpack_leaf
from tests.fakes.leaves import decision, version

NONE = [None] * len(COLUMNS)
RETIRED = (
    [
        *("version.retired", "2026-11-22T12:00:00.000Z", None, None, None, None, None, None),
        1,
    ],
    b'\x00{"by":"system","format":1,"workspace":"acme"}',
)
"""Columns and rest of a leaf, in the clear."""
FRAME = "0128b52ffd202da50000387b61636d65227d030074c381834c40e53d7805"

texts = st.text(alphabet='"\\\n\u0000{}:,évent', max_size=12)
members = st.none() | st.booleans() | st.integers(-9, 9) | texts
leaves = st.dictionaries(st.sampled_from(COLUMNS) | texts, members, max_size=9)


def leaf_of(extra: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in extra.items() if name not in ("kind", "at")}
    return {**decision("ev-1"), **kept}


def test_dictionary_has_its_recorded_bytes() -> None:
    """What was compressed with it can be read with nothing else."""
    assert len(WORDS) <= 4096
    assert hashlib.sha256(WORDS).hexdigest() == (
        "1514f78de99fce18d8e155a88da1f92984c8b0f7700d0c53659e45b7cb48791c"
    )


def test_row_of_format_1_stays_readable() -> None:
    """The fixed vectors of format 1, in the clear and compressed."""
    leaf = version("retired")
    assert unpack_leaf(*RETIRED) == leaf
    assert unpack_leaf(RETIRED[0], bytes.fromhex(FRAME)) == leaf
    assert pack_leaf(leaf)[0] == RETIRED[0]


@given(leaves, leaves)
def test_packed_leaf_is_unpacked_unchanged(extra: dict[str, Any], nested: dict[str, Any]) -> None:
    """Also where members of the same name and value stand deeper, or hold quotes and line ends."""
    leaf = leaf_of({**extra, "actions": [nested, {"event": "ev-1"}], "policy": nested})
    before = encode_leaf(leaf)
    restored = unpack_leaf(*pack_leaf(leaf))
    assert restored is not None
    assert encode_leaf(restored) == before == encode_leaf(leaf)


def test_pack_leaf_puts_searched_members_into_columns() -> None:
    columns = dict(zip(COLUMNS, pack_leaf(decision("ev-1", asks=True))[0], strict=True))
    assert columns == {
        "kind": "decision",
        "at": "2026-11-22T12:00:00.000Z",
        "event": "ev-1",
        "conversation": "c-1",
        "id": "dec-ev-1",
        "outcome": "noted",
        "reason": "unexpected_event",
        "rule": "otherwise",
        "version": 1,
    }


def test_id_has_a_column_only_when_the_leaf_has_actions() -> None:
    assert pack_leaf(decision("ev-1"))[0][COLUMNS.index("id")] is None


@pytest.mark.parametrize("index", range(len(COLUMNS)))
def test_changed_column_gives_another_leaf(index: int) -> None:
    """So no column can lie: the leaf, and with it the hash, is made of what it says."""
    leaf = decision("ev-1", asks=True)
    columns, rest = pack_leaf(leaf)
    for value in (None, "something else", 7):
        changed = [*columns]
        changed[index] = value
        assert unpack_leaf(changed, rest) != leaf


def test_unpack_leaf_refuses_a_member_in_column_and_rest() -> None:
    """One of the two would say what the leaf does not."""
    assert unpack_leaf(["decision", *NONE[1:]], b'\x00{"kind":"decision"}') is None
    assert unpack_leaf([*NONE[1:], 1], b'\x00{"policy":{"version":1}}') is None
    assert unpack_leaf(NONE, b'\x00{"kind":"decision"}') == {"kind": "decision"}


def test_large_leaf_is_stored_uncompressed() -> None:
    """There is no bound to a leaf, only to what is compressed."""
    leaf = version("rejected", by="x" * MAX_TEXT_BYTES)
    columns, rest = pack_leaf(leaf)
    assert rest[:1] == b"\x00"
    assert unpack_leaf(columns, rest) == leaf


def bomb(*, told: bool) -> bytes:
    """A frame that holds more than it may, and says so or does not."""
    compressor = zstandard.ZstdCompressor(write_content_size=told)
    return compressor.compress(b"0" * (MAX_TEXT_BYTES + 1))


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\x07{}",
        b"\x01",
        b"\x01frame",
        b"\x01" + bomb(told=True),
        b"\x01" + bomb(told=False),
        b"\x01" + zstandard.ZstdCompressor().compress(b"{}") + b"more",
        b"\x01" + zstandard.ZstdCompressor().compress(b"{}")[:-1],
    ],
)
def test_unpack_leaf_returns_none_when_the_rest_is_damaged(rest: bytes) -> None:
    """And takes no more room than a leaf may."""
    assert unpack_leaf(NONE, rest) is None
