"""A log as an owner of the files sees it, to be changed at random; and which entry was changed."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from audit.log.csv_rows import format_header, format_row
from audit.log.merkle import HASH_SIZE, hash_leaf
from audit.verification.bundle_format import ENTRIES, HASHES, PERSONAL, TABLE, VERSIONS
from rules.formats.canonical_json import encode_canonical

if TYPE_CHECKING:
    import random
    from pathlib import Path


class Change(NamedTuple):
    """What was done, and the entry that has to be named, where one was changed alone."""

    what: str
    entry: int | None = None


def copied(bundle: Path, into: Path) -> Path:
    shutil.rmtree(into, ignore_errors=True)
    shutil.copytree(bundle, into)
    return into


def changed_bundle(random_: random.Random, bundle: Path, notes: list[bytes]) -> Change:
    """Change one thing in the folder of a bundle."""
    change = random_.choice(_CHANGES)
    return change(random_, bundle, notes)


def altered(random_: random.Random, leaf: dict[str, Any]) -> dict[str, Any]:
    """The leaf with one member another, gone, or new."""
    name = random_.choice(sorted(leaf))
    match random_.randrange(4):
        case 0:
            return {key: value for key, value in leaf.items() if key != name}
        case 1:
            return {**leaf, f"x{random_.randrange(99)}": random_.randrange(99)}
        case 2 if isinstance(leaf[name], str):
            return {**leaf, name: leaf[name] + "x"}
    return {**leaf, name: {"was": leaf[name]}}


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _edit(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    """A leaf edited, in canonical form."""
    lines = _lines(bundle / ENTRIES)
    place = random_.randrange(len(lines))
    lines[place] = encode_canonical(altered(random_, json.loads(lines[place]))) + b"\n"
    (bundle / ENTRIES).write_bytes(b"".join(lines))
    return Change("a leaf", place)


def _flip(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    """A bit of a leaf flipped, in no form at all."""
    lines = _lines(bundle / ENTRIES)
    place = random_.randrange(len(lines))
    body = bytearray(lines[place][:-1])
    at = random_.randrange(len(body))
    body[at] ^= 1 << random_.randrange(8)
    if body[at] in b"\r\n\x0b\x0c\x1c\x1d\x1e\x85":
        body[at] = 0
    lines[place] = bytes(body) + b"\n"
    (bundle / ENTRIES).write_bytes(b"".join(lines))
    return Change("a bit of a leaf", place)


def _consistently(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    """A leaf edited, and table and hashes made to fit."""
    _edit(random_, bundle, [])
    _refit(bundle)
    return Change("a leaf and all that is made of it")


def _reorder(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    """Two leaves swapped, one dropped, doubled or put elsewhere; with or without what fits."""
    lines = _lines(bundle / ENTRIES)
    first, second = sorted(random_.sample(range(len(lines)), 2))
    match random_.randrange(4):
        case 0:
            lines[first], lines[second] = lines[second], lines[first]
        case 1:
            del lines[first]
        case 2:
            lines.insert(second, lines[first])
        case _:
            lines.insert(second, lines.pop(first))
    before = _lines(bundle / ENTRIES)
    if lines == before:
        lines.pop()
    (bundle / ENTRIES).write_bytes(b"".join(lines))
    if random_.random() < 0.5:
        _refit(bundle)
        return Change("an order and all that is made of it")
    changed = [i for i, (now, then) in enumerate(zip(lines, before, strict=False)) if now != then]
    return Change("an order", changed[0] if changed else None)


def _cut(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    """A file cut off somewhere, or longer than it was."""
    names = [n for n in (ENTRIES, HASHES, TABLE, PERSONAL) if (bundle / n).exists()]
    path = bundle / random_.choice(names)
    body = path.read_bytes()
    if random_.random() < 0.7:
        path.write_bytes(body[: random_.randrange(len(body))])
    else:
        path.write_bytes(body + body[-random_.randrange(1, 99) :])
    return Change(f"the end of {path.name}")


def _document(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    path = random_.choice(sorted((bundle / VERSIONS).iterdir()))
    match random_.randrange(3):
        case 0:
            path.unlink()
        case 1:
            path.rename(path.with_name("sha256-" + "0" * 64 + ".json"))
        case _:
            path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    return Change("a document")


def _personal(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    path = bundle / PERSONAL
    if not path.exists():
        return _document(random_, bundle, [])
    lines = _lines(path)
    place = random_.randrange(len(lines))
    read = json.loads(lines[place])
    match random_.randrange(4):
        case 0:
            del lines[place]
        case 1:
            read["part"] = read["part"].replace("ct-", "cx-", 1)
            lines[place] = encode_canonical(read) + b"\n"
        case 2:
            read["salt"] = json.loads(lines[place - 1])["salt"]
            lines[place] = encode_canonical(read) + b"\n"
        case _:
            other = json.loads(lines[place - 1])
            lines[place] = encode_canonical({**other, "index": read["index"]}) + b"\n"
    path.write_bytes(b"".join(lines))
    return Change("a personal part", read["index"])


def _checkpoint(random_: random.Random, bundle: Path, notes: list[bytes]) -> Change:
    """A checkpoint of another log or size, or another text under its signature."""
    path = bundle / "checkpoint"
    note = path.read_text("utf-8")
    if random_.random() < 0.4:
        path.write_bytes(random_.choice(notes))
        return Change("the checkpoint of another log or size")
    origin, size, root, *rest = note.split("\n")
    match random_.randrange(3):
        case 0:
            size = str(int(size) + random_.randrange(1, 9))
        case 1:
            root = hash_leaf(random_.randbytes(4)).hex()
        case _:
            origin += "x"
    path.write_text("\n".join([origin, size, root, *rest]), "utf-8")
    return Change("the text of the checkpoint")


def _table(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    body = bytearray((bundle / TABLE).read_bytes())
    body[random_.randrange(len(body))] ^= 1
    (bundle / TABLE).write_bytes(bytes(body))
    return Change("the table")


def _hash(random_: random.Random, bundle: Path, _: list[bytes]) -> Change:
    body = bytearray((bundle / HASHES).read_bytes())
    at = random_.randrange(len(body))
    body[at] ^= 1
    (bundle / HASHES).write_bytes(bytes(body))
    return Change("a hash", at // HASH_SIZE)


_CHANGES = (
    *(_edit, _flip, _consistently, _reorder, _cut),
    *(_document, _personal, _checkpoint, _table, _hash),
)


def _refit(bundle: Path) -> None:
    bodies = [line[:-1] for line in _lines(bundle / ENTRIES)]
    hashes = [hash_leaf(body) for body in bodies]
    rows = [
        format_row(index, json.loads(body), body, hashed)
        for index, (body, hashed) in enumerate(zip(bodies, hashes, strict=True))
    ]
    (bundle / HASHES).write_bytes(b"".join(hashes))
    (bundle / TABLE).write_bytes("".join([format_header(), *rows]).encode())
