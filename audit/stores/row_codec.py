"""The row of a leaf, format 1: searched members in columns, the rest compressed.

The members with a column are taken out of the leaf, and put back on reading. Canonical JSON is a
function of the value, so the text is encoded again. Each member is stored in one place only: a
changed column gives another leaf, and the hash reveals it.

The rest is one byte for its codec, then: 0, JSON; 1, a Zstandard frame (RFC 8878) of the JSON, made
with the dictionary `words-1.txt`. A row that cannot be read gives no leaf and no error: the
verifier reports it.
"""

from __future__ import annotations

import threading
from importlib.resources import files
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson
import zstandard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Value: TypeAlias = str | int | None

COLUMNS = ("kind", "at", "event", "conversation", "id", "outcome", "reason", "rule", "version")
"""The members of a leaf with a column. `id` has one only if the leaf has actions, by which it is
looked up. `version` is also the version of a decision's `policy`. All but `version` are text.
"""

MAX_TEXT_BYTES = 1 << 20
"""Maximum bytes of a text that is compressed, and of the size that a frame may claim."""

WORDS = files(__package__).joinpath("words-1.txt").read_bytes()

_PLAIN, _ZSTANDARD = b"\x00", b"\x01"
_LEVEL = -5  # no part of the format; 3 takes 4 % less room and more than twice the time
_TEXTS = COLUMNS[:-1]


def pack_leaf(leaf: Mapping[str, Any]) -> tuple[list[Value], bytes]:
    """Return the columns and the rest of a leaf."""
    rest = dict(leaf)
    columns: list[Value] = []
    for name in _TEXTS:
        is_column = isinstance(rest.get(name), str) and (name != "id" or bool(rest.get("actions")))
        columns.append(rest.pop(name) if is_column else None)
    if isinstance(rest.get("policy"), dict):
        rest["policy"] = dict(rest["policy"])
    holder = _holder_of_version(rest)
    columns.append(holder.pop("version") if type(holder.get("version")) is int else None)
    return columns, _compress_rest(orjson.dumps(rest, option=orjson.OPT_SORT_KEYS))


def unpack_leaf(columns: Sequence[Value], rest: bytes) -> dict[str, Any] | None:
    """Return the leaf; None if these are not the parts of a leaf."""
    try:
        leaf = orjson.loads(decompress_rest(rest))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(leaf, dict):
        return None
    for name, value in zip(COLUMNS, columns, strict=True):
        if value is not None:
            holder = _holder_of_version(leaf) if name == "version" else leaf
            if name in holder:
                return None  # it would be stored in two places
            holder[name] = value
    return leaf


def _holder_of_version(leaf: dict[str, Any]) -> dict[str, Any]:
    """Return the object with the searched version: a decision's `policy`, else the leaf."""
    policy = leaf.get("policy")
    return policy if isinstance(policy, dict) else leaf


class _Contexts(threading.local):
    """Zstandard's working memory, one per thread."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_DICTIONARY).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=_DICTIONARY).decompress


_DICTIONARY = zstandard.ZstdCompressionDict(WORDS, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_contexts = _Contexts()


def _compress_rest(text: bytes) -> bytes:
    if len(text) <= MAX_TEXT_BYTES:
        frame = _contexts.compress(text)
        if len(frame) < len(text):
            return _ZSTANDARD + frame
    return _PLAIN + text


def decompress_rest(rest: bytes) -> bytes:
    """Return the JSON of the members without a column; empty if it cannot be read."""
    codec, body = rest[:1], rest[1:]
    if codec == _PLAIN:
        return body
    if codec != _ZSTANDARD:
        return b""
    try:
        if zstandard.frame_content_size(body) > MAX_TEXT_BYTES:  # or it would allocate that much
            return b""
        return _contexts.decompress(body, max_output_size=MAX_TEXT_BYTES, allow_extra_data=False)
    except zstandard.ZstdError:
        return b""
