"""What an owner of the database can do to it, and what the verifier says then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import Entry, PersonalData, compute_commitment, encode_leaf, new_entry
from audit.evidence.ledger_verifier import verify_entries, verify_ledger
from audit.log.checkpoint import Checkpoint
from audit.log.merkle import Frontier, hash_leaf
from audit.stores.contract import LogHead
from audit.stores.sqlite.store import SqliteStore
from audit.verification.findings import FindingCode
from audit.verification.log_verifier import Attachments, open_personal_data
from tests.fakes.leaves import (
    DIGEST,
    DOCUMENT,
    decide,
    decision,
    first_version,
    personal,
    version,
)
from tests.fakes.tampering import edit_leaf, owned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECOND_DIGEST = "sha256:" + "0" * 64


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A log of three version entries, 0 to 2, and a conversation of four decisions, 3 to 6."""
    with SqliteStore.create(tmp_path) as store:
        store.transact(first_version)
        asked = {"stage": "awaiting_answer"}
        store.transact(decide("ev-1", asks=True, **asked))
        store.transact(decide("ev-2", before=("awaiting_answer", 1), asks=True, **asked))
        store.transact(decide("ev-3", before=("awaiting_answer", 2), **asked))
        store.transact(decide("ev-4", before=("awaiting_answer", 2), stage="routed"))
    return tmp_path


def tamper(data: Path, *statements: str) -> None:
    with owned(data) as connection:
        for statement in statements:
            connection.execute(statement)


def findings(data: Path) -> set[tuple[int | None, str]]:
    with SqliteStore.open(data) as store, store.read() as view:
        return {(f.index, f.code) for report in verify_ledger(view) for f in report.findings}


def in_the_clear(text: str) -> str:
    """A leaf of kind, time, event and so on, and this text in the place of all else."""
    return f"x'00{text.encode().hex()}'"


HEAD = {(None, "root"), (None, "frontier")}
LOST = {(5, "asks"), (6, "asks")}
BROKEN_LEAF = {(4, "leaf_hash"), (4, "bad_leaf")} | LOST
SIZE = {(None, "size")}

TAMPERING = {
    "an edited member of a leaf": (
        ["UPDATE entries SET outcome = 'asked' WHERE idx = 4"],
        {(4, "leaf_hash")} | HEAD,
    ),
    "a removed member of a leaf": (
        ["UPDATE entries SET outcome = NULL WHERE idx = 4"],
        {(4, "leaf_hash")} | HEAD,
    ),
    "an added member of a leaf": (
        ["UPDATE entries SET event = 'ev-9' WHERE idx = 1"],
        {(1, "leaf_hash")} | HEAD,
    ),
    "a member that is no text": (
        ["UPDATE entries SET event = CAST(x'ff' AS TEXT) WHERE idx = 4"],
        {(4, "leaf_hash"), (4, "commitment")} | HEAD,
    ),
    "a leaf in the clear with spaces": (
        [f"UPDATE entries SET rest = {in_the_clear('{ }')} WHERE idx = 4"],
        BROKEN_LEAF | HEAD,
    ),
    "a leaf that is no object": (
        [f"UPDATE entries SET rest = {in_the_clear('[1]')} WHERE idx = 4"],
        BROKEN_LEAF | HEAD,
    ),
    "a leaf of an unknown codec": (
        ["UPDATE entries SET rest = x'07' WHERE idx = 4"],
        BROKEN_LEAF | HEAD,
    ),
    "a leaf whose frame is cut off": (
        ["UPDATE entries SET rest = substr(rest, 1, 60) WHERE idx = 4"],
        BROKEN_LEAF | HEAD,
    ),
    "an edited hash": (
        ["UPDATE entries SET leaf_hash = zeroblob(32) WHERE idx = 0"],
        {(0, "leaf_hash")},
    ),
    "two swapped entries": (
        [
            "UPDATE entries SET idx = 99 WHERE idx = 4",
            "UPDATE entries SET idx = 4 WHERE idx = 6",
            "UPDATE entries SET idx = 6 WHERE idx = 99",
        ],
        {(4, "asks"), (5, "stage"), (5, "asks")} | HEAD,
    ),
    "a removed entry": (
        ["DELETE FROM entries WHERE idx = 1"],
        {(index, "gap") for index in range(2, 7)} | HEAD | SIZE,
    ),
    "a cut tail": (["DELETE FROM entries WHERE idx = 6"], HEAD | SIZE),
    "a cut tail and size": (
        ["DELETE FROM entries WHERE idx = 6", "UPDATE logs SET size = 6"],
        HEAD,
    ),
    "a forged root": (["UPDATE logs SET root = zeroblob(32)"], {(None, "root")}),
    "a forged frontier": (
        ["UPDATE logs SET frontier = x'0000000000000000'"],
        {(None, "frontier")},
    ),
    "a broken frontier": (["UPDATE logs SET frontier = x'00'"], HEAD | SIZE),
    "a renamed log": (
        ["UPDATE logs SET name = 'zeta'"],
        {(index, "another_log") for index in range(7)}
        | {(index, "commitment") for index in range(3, 7)},
    ),
    "a removed personal part": (
        ["DELETE FROM personal WHERE entry = 4"],
        {(3, "commitment")},
    ),
    "an edited personal part": (
        ["UPDATE personal SET body = CAST(body || ' ' AS BLOB) WHERE entry = 5"],
        {(4, "commitment")},
    ),
    "a personal part of a newer format": (
        ["UPDATE personal SET body = x'07' WHERE entry = 5"],
        {(4, "commitment")},
    ),
    "a removed document": (["DELETE FROM documents"], {(0, "document")}),
    "an edited document": (
        ["UPDATE documents SET body = CAST(body || ' ' AS BLOB)"],
        {(0, "document")},
    ),
}


def test_honest_ledger_has_no_findings(data: Path) -> None:
    assert findings(data) == set()


@pytest.mark.parametrize(("statements", "found"), TAMPERING.values(), ids=TAMPERING.keys())
def test_verifier_names_the_entry_of_each_tampering(
    data: Path, statements: list[str], found: set[tuple[int | None, str]]
) -> None:
    """The verifier names the entry, or the head where no entry can be told from another."""
    tamper(data, *statements)
    assert findings(data) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda text: text.replace('.asks":1', '.asks":0'), {(4, "leaf_hash"), (4, "asks")}),
        (lambda _: "[1]", {(4, "leaf_hash"), (4, "bad_leaf")} | LOST),
    ],
    ids=["a fact", "no object"],
)
def test_verifier_finds_an_edited_leaf(
    data: Path, change: Callable[[str], str], found: set[tuple[int, str]]
) -> None:
    """Also where it was put back into its row as a leaf is."""
    with owned(data) as connection:
        edit_leaf(connection, "idx = 4", change)
    assert findings(data) == found | HEAD


def reported(*leaves: dict[str, Any], beside: dict[int, PersonalData] | None = None) -> set[Any]:
    """Findings in a log whose tree and head fit: what was wrong already when it was written."""
    parts = beside or {
        index: personal(leaf["event"]) for index, leaf in enumerate(leaves) if "commitment" in leaf
    }
    frontier, entries = Frontier(), []
    for index, leaf in enumerate(leaves):
        entries.append(Entry("acme", index, hash_leaf(encode_leaf(leaf)), leaf))
        frontier = frontier.append(entries[-1].leaf_hash)
    head = LogHead(frontier.size, frontier.root(), frontier)
    documents = {DIGEST: DOCUMENT, SECOND_DIGEST: b"{}"}
    read = {index: open_personal_data(part) for index, part in parts.items()}
    report = verify_entries("acme", head, entries, Attachments(read.get, documents.get))
    assert (report.size, report.root) == (len(leaves), frontier.root())
    return {(finding.index, finding.code) for finding in report.findings}


FIRST = [version(step) for step in ("proposed", "approved", "activated")]
SECOND = [
    version("proposed", 2, by="key-a"),
    version("approved", 2, by="key-b"),
    version("activated", 2, by="key-b"),
]
WAITING = "awaiting_answer"


ASKED = decision("a", asks=True)
SCHEDULED = version("scheduled", digest=DIGEST, due="2026-12-01T00:00:00.000Z")


def unscheduled(schedule: int, reason: str = "cancelled") -> dict[str, Any]:
    """The leaf of the end of a schedule."""
    return version("unscheduled", schedule=schedule, reason=reason)


def action(status: str) -> dict[str, Any]:
    """The leaf of a step of the action that `ASKED` asks for."""
    head = {"format": 1, "kind": f"action.{status}", "at": FIRST[0]["at"], "workspace": "acme"}
    return {**head, "by": "system", "action": "dec-a.0", "event": "a", "conversation": "c-1"}


def erasure(entries: Any) -> dict[str, Any]:
    head = {"format": 1, "kind": "contact.erased", "at": FIRST[0]["at"], "workspace": "acme"}
    return {**head, "by": "key-a", "reason": "asked for", "entries": entries}


def without(leaf: dict[str, Any], member: str) -> dict[str, Any]:
    return {name: value for name, value in leaf.items() if name != member}


def with_policy(leaf: dict[str, Any], **policy: Any) -> dict[str, Any]:
    return {**leaf, "policy": {**leaf["policy"], **policy}}


@pytest.mark.parametrize(
    ("leaves", "found"),
    [
        ([*FIRST, decision("a"), decision("a")], {(4, "event_twice"), (4, "decision_twice")}),
        ([*FIRST, decision("a"), {**decision("b"), "id": "dec-a"}], {(4, "decision_twice")}),
        ([*FIRST, {**decision("a", asks=True), "id": "dec-x"}], {(3, "action_id")}),
        ([*FIRST, action("withdrawn")], {(3, "action_status")}),
        ([*FIRST, SCHEDULED, unscheduled(3)], set()),
        ([*FIRST, SCHEDULED, unscheduled(2)], {(4, "version_history")}),
        ([*FIRST, SCHEDULED, unscheduled(3), unscheduled(3)], {(5, "version_history")}),
        ([*FIRST, SCHEDULED, unscheduled(3, "a whim")], {(4, "version_history")}),
        ([*FIRST, ASKED, action("failed"), action("retried"), action("withdrawn")], set()),
        ([*FIRST, ASKED, action("withdrawn"), action("delivered")], {(5, "action_status")}),
        ([*FIRST, ASKED, action("delivered"), action("withdrawn")], {(5, "action_status")}),
        ([*FIRST, without(decision("a"), "commitment")], {(3, "commitment")}),
        ([*FIRST, without(decision("a"), "facts")], {(3, "incomplete")}),
        ([*FIRST, {**decision("a"), "actions": 1}], {(3, "incomplete")}),
        ([*FIRST, {**decision("a"), "conversation": []}], {(3, "incomplete")}),
        ([*FIRST, without(version("retired"), "by")], {(3, "incomplete")}),
        ([version("approved")], {(0, "version_history")}),
        ([*FIRST, version("proposed", 3)], {(3, "version_history")}),
        ([version("proposed", digest=SECOND_DIGEST)], {(0, "document")}),
        ([version("proposed", digest="sha256:none")], {(0, "document")}),
        ([decision("a")], {(0, "policy")}),
        ([*FIRST[:2], decision("a")], {(2, "policy")}),
        ([*FIRST, with_policy(decision("a"), digest=SECOND_DIGEST)], {(3, "policy")}),
        ([*FIRST, *SECOND, decision("a")], {(6, "policy")}),
        ([*FIRST, *SECOND, version("retired", 2), decision("a")], {(7, "policy")}),
        ([*FIRST, decision("a", before=("routed", 0))], {(3, "stage")}),
        ([*FIRST, decision("a", before=("new", 1))], {(3, "asks")}),
        ([*FIRST, *SECOND], set()),
        ([*FIRST, SECOND[0], SECOND[2]], {(4, "approval")}),
        ([*FIRST, SECOND[0], {**SECOND[1], "by": "key-a"}, SECOND[2]], {(5, "approval")}),
        ([*FIRST, version("proposed", 2), SECOND[2]], {(4, "approval")}),
        ([*FIRST, SECOND[0], version("rejected", 2), SECOND[2]], {(5, "approval")}),
        ([version("proposed"), version("activated", by="key-b")], set()),
        ([version("proposed", by="key-a"), version("activated")], {(1, "approval")}),
        ([*FIRST, erasure([])], set()),
        ([*FIRST, erasure([2])], {(2, "erasure")}),
        ([*FIRST, erasure([3])], {(3, "erasure")}),
        ([*FIRST, erasure([-1])], {(3, "erasure")}),
        ([*FIRST, erasure([1, 0])], {(3, "erasure")}),
        ([*FIRST, erasure([1, 1])], {(3, "erasure")}),
        ([*FIRST, erasure([True])], {(3, "erasure")}),
        ([*FIRST, erasure(None)], {(3, "erasure")}),
    ],
)
def test_verifier_finds_contradicting_entries(
    leaves: list[dict[str, Any]], found: set[tuple[int, str]]
) -> None:
    """A log can be whole and still tell a story that cannot be."""
    assert reported(*leaves) == found


def test_missing_personal_part_needs_a_later_erasure() -> None:
    """An erasure names whose personal part is gone; what it does not name has to be there."""
    story = [*FIRST, decision("a"), decision("b"), decision("c")]
    beside = {3: personal("a"), 5: personal("c")}
    assert reported(*story, beside=beside) == {(4, "commitment")}
    assert reported(*story, erasure([4]), beside=beside) == set()
    assert reported(*story, erasure([4]), erasure([4]), beside=beside) == set()
    assert reported(*story, erasure([4, 5]), beside=beside) == {(5, "erasure")}
    assert reported(*story, erasure([5]), beside=beside) == {(4, "commitment"), (5, "erasure")}
    late = [*FIRST, decision("a"), erasure([3]), decision("b")]
    assert reported(*late, beside={9: personal("z")}) == {(5, "commitment")}


def test_verifier_finds_a_personal_part_of_another_event() -> None:
    """Even where the commitment is one to it."""
    for part in (b'{"contact":{"id":"ct-1"},"id":"b"}', b"[]", b"x"):
        beside = replace(personal("a"), part=part)
        leaf = {**decision("a"), "commitment": compute_commitment(beside.salt, beside.part)}
        assert reported(*FIRST, leaf, beside={3: beside}) == {(3, "commitment")}


def test_checkpoint_reveals_a_consistent_rewrite() -> None:
    """The root at its size is another, or the log is not as long; of the fitting ones it tells."""
    leaves = [*FIRST, decision("a"), decision("b")]
    entries = [new_entry("acme", i, leaf, None) for i, leaf in enumerate(leaves) if i < 3]
    entries += [
        new_entry("acme", i, leaf, personal(leaf["event"]))
        for i, leaf in enumerate(leaves)
        if i >= 3
    ]
    frontiers = [Frontier()]
    for entry in entries:
        frontiers.append(frontiers[-1].append(entry.leaf_hash))
    true = [Checkpoint("acme", each.size, each.root()) for each in frontiers]
    parts = {3: open_personal_data(personal("a")), 4: open_personal_data(personal("b"))}
    beside = Attachments(parts.get, {DIGEST: DOCUMENT}.get)
    head = LogHead(5, frontiers[5].root(), frontiers[5])
    assert verify_entries("acme", head, entries, beside, true).findings == ()
    forged = [*true[:4], replace(true[4], root=bytes(32)), replace(true[5], size=6)]
    found = verify_entries("acme", head, entries, beside, forged).findings
    assert [(f.index, f.code) for f in found] == [(None, FindingCode.CHECKPOINT)] * 2
    assert "of 6 entries" in found[0].message
    assert "entries from 3 on" in found[1].message
