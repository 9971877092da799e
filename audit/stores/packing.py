"""How a leaf stands in its row, format 1: what is searched in columns, the rest compressed.

The members that are columns are cut out of the leaf's text; where one stood, a line with its name
is left. Canonical JSON has no line ends of its own, so reading puts each back where it was. A
member stands in one place only: a column that was changed gives another leaf, and its hash tells.

The rest is one byte for its codec, then: 0, the text; 1, a Zstandard frame (RFC 8878) made with the
dictionary `words-1.txt`. What cannot be read is no leaf at all, b"", and no error: to say what is
wrong is the verifier's task.
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
"""Members of a leaf. `id` is there only where a leaf has actions, for which it is looked up;
`version` is also that of a decision's `policy`. All but it are text."""

LARGEST = 1 << 20
"""Bytes of a text that is compressed, and so the most that a frame may claim to hold."""

WORDS = files(__package__).joinpath("words-1.txt").read_bytes()

_PLAIN, _ZSTANDARD = b"\x00", b"\x01"
_LEVEL = 3  # no part of the format
_NAMES = tuple(name.encode() for name in COLUMNS)


def packed(leaf: Mapping[str, Any], text: bytes) -> tuple[list[Value], bytes]:
    """The columns and the rest of a leaf whose canonical text this is."""
    columns = columns_of(leaf)
    for name, value in zip(_NAMES, columns, strict=True):
        if value is not None:
            text = text.replace(b'"%b":%b' % (name, orjson.dumps(value)), b"\n%b\n" % name, 1)
    return columns, _compressed(text)


def unpacked(columns: Sequence[Value], rest: bytes) -> bytes:
    """The text of the leaf; b"" where these are not the parts of one."""
    members = {
        name: b'"%b":%b' % (name, orjson.dumps(value))
        for name, value in zip(_NAMES, columns, strict=True)
        if value is not None
    }
    pieces = _decompressed(rest).split(b"\n")
    try:
        pieces[1::2] = [members.pop(name) for name in pieces[1::2]]
    except KeyError:
        return b""
    return b"" if members else b"".join(pieces)


def columns_of(leaf: Mapping[str, Any]) -> list[Value]:
    """What of the leaf is searched, in the order of COLUMNS; None where it is not there."""
    policy = leaf.get("policy")
    version = leaf.get("version", policy.get("version") if isinstance(policy, dict) else None)
    absent = "" if leaf.get("actions") else "id"
    texts = [leaf.get(name) if name != absent else None for name in COLUMNS[:-1]]
    return [
        *(text if isinstance(text, str) else None for text in texts),
        version if type(version) is int else None,
    ]


class _Contexts(threading.local):
    """Zstandard's working memory, which threads must not share."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=_LEVEL, dict_data=_DICTIONARY).compress
        self.decompress = zstandard.ZstdDecompressor(dict_data=_DICTIONARY).decompress


_DICTIONARY = zstandard.ZstdCompressionDict(WORDS, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
_contexts = _Contexts()


def _compressed(text: bytes) -> bytes:
    if len(text) <= LARGEST:
        frame = _contexts.compress(text)
        if len(frame) < len(text):
            return _ZSTANDARD + frame
    return _PLAIN + text


def _decompressed(rest: bytes) -> bytes:
    codec, body = rest[:1], rest[1:]
    if codec == _PLAIN:
        return body
    if codec != _ZSTANDARD:
        return b""
    try:
        if zstandard.frame_content_size(body) > LARGEST:  # of room that would be made for it
            return b""
        return _contexts.decompress(body, max_output_size=LARGEST, allow_extra_data=False)
    except zstandard.ZstdError:
        return b""
