"""The codec of entries: each stored leaf is read and written again as the same bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from audit.errors import BadLeafError
from audit.log.entries import (
    CONTENT_BY_KIND,
    ContactErased,
    KeyCreated,
    VersionActivated,
    parse_leaf,
)
from audit.log.leaf import EntryKind, encode_canonical_json
from tests.folders import ROOT

STORED = ROOT / "tests" / "vectors" / "stored"
LEAVES = [
    line
    for file in (STORED / "leaves-acme.ndjson", STORED / "leaves-system.ndjson")
    for line in file.read_text(encoding="utf-8").splitlines()
]
HEAD: dict[str, Any] = {
    "format": 1,
    "at": "2026-11-22T10:00:00.000Z",
    "workspace": "acme",
    "by": "key-1",
}


def test_every_kind_but_decision_has_a_class() -> None:
    assert set(CONTENT_BY_KIND) == set(EntryKind) - {EntryKind.DECISION}
    assert all(content.kind == kind for kind, content in CONTENT_BY_KIND.items())


@pytest.mark.parametrize("line", LEAVES)
def test_stored_leaf_is_written_again_as_the_same_bytes(line: str) -> None:
    content = parse_leaf(json.loads(line))
    if content is not None:
        assert encode_canonical_json(content.to_leaf()).decode() == line


def test_decision_has_no_class() -> None:
    assert parse_leaf({**HEAD, "kind": "decision"}) is None


def test_absent_members_are_none_or_false() -> None:
    leaf = {**HEAD, "kind": "version.activated", "version": 2, "digest": "sha256:1"}
    content = parse_leaf(leaf)
    assert content == VersionActivated(
        at=HEAD["at"],
        workspace="acme",
        by="key-1",
        version=2,
        digest="sha256:1",
    )
    assert content is not None
    assert content.to_leaf() == leaf


def test_reach_of_a_key_is_called_for_in_its_leaf() -> None:
    content = KeyCreated(
        at="2026-11-22T10:00:00.000Z",
        workspace="system",
        key="key-1",
        role="owner",
        reach="*",
        name="n",
        secret_sha256="0",
    )
    assert content.to_leaf()["for"] == "*"


def test_erasure_of_nothing_keeps_its_empty_list() -> None:
    content = ContactErased(at="", workspace="acme", by="key-1", reason="r", entries=())
    assert content.to_leaf()["entries"] == []


@pytest.mark.parametrize(
    ("kind", "members", "missing"),
    [
        ("version.approved", {"version": 1}, "digest"),
        ("version.approved", {"version": True, "digest": "d"}, "version"),
        ("version.approved", {"version": "1", "digest": "d"}, "version"),
        ("contact.erased", {"reason": "r", "entries": [1, "2"]}, "entries"),
        ("contact.erased", {"reason": "r", "entries": None}, "entries"),
        ("ledger.restored", {"approved_by": "k", "lost": [{"log": "a"}]}, "size"),
        ("hold.set", {"hold": 1, "reason": "r"}, "hold"),
    ],
)
def test_wrong_member_is_named(kind: str, members: dict[str, Any], missing: str) -> None:
    with pytest.raises(BadLeafError, match=f"`{missing}`"):
        parse_leaf({**HEAD, "kind": kind, **members})


@pytest.mark.parametrize("kind", ["version.unknown", "", None, 1, []])
def test_unknown_kind_is_refused(kind: Any) -> None:
    with pytest.raises(BadLeafError, match="unknown"):
        parse_leaf({**HEAD, "kind": kind})
