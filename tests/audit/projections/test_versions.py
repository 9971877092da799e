"""What a log's version entries make of its versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit.entry import new_entry
from audit.errors import BrokenHistoryError
from audit.log.entries import CONTENT_BY_KIND, HoldSet, VersionContent
from audit.projections.versions import Versions, VersionStatus, fold_versions
from tests.fakes.leaves import DIGEST, version

if TYPE_CHECKING:
    from audit.log.leaf import EntryKind


def folded(*steps: dict[str, Any]) -> Versions:
    return fold_versions(new_entry("acme", index, leaf, None) for index, leaf in enumerate(steps))


def status(versions: Versions, number: int) -> VersionStatus:
    record = versions.get(number)
    assert record is not None
    return record.status


def test_empty_log_has_no_active_version() -> None:
    assert (folded().active, folded().next_number, folded().get(1)) == (None, 1, None)


@pytest.mark.parametrize(
    "kind",
    [kind for kind, content in CONTENT_BY_KIND.items() if issubclass(content, VersionContent)],
)
def test_step_of_unknown_version_breaks_the_history(kind: EntryKind) -> None:
    leaf = version(kind.partition(".")[2], 9, schedule=0, due="", reason="", digest=DIGEST)
    with pytest.raises(BrokenHistoryError):
        folded(leaf)


def test_version_status_follows_each_step() -> None:
    """Each step is one entry, and its status is read from the last."""
    steps = [version(step) for step in ("proposed", "approved", "activated")]
    seen = [status(folded(*steps[:end]), 1) for end in (1, 2, 3)]
    assert seen == [VersionStatus.PROPOSED, VersionStatus.APPROVED, VersionStatus.ACTIVE]
    assert [folded(*steps[:end]).active for end in (1, 2, 3)] == [None, None, 1]


def test_record_has_author_and_time_of_each_step() -> None:
    """What compliance asks of a version stands in its record."""
    record = folded(
        version("proposed", by="key-a", title="T", note="N"),
        version("approved", by="key-b"),
        version("activated", by="key-b"),
    ).get(1)
    assert record is not None
    assert (record.number, record.digest, record.title, record.note) == (1, DIGEST, "T", "N")
    assert (record.proposed_by, record.proposed_at) == ("key-a", version("proposed")["at"])
    assert [(step.index, step.by) for step in record.approvals] == [(1, "key-b")]
    assert [(step.index, step.by) for step in record.activations] == [(2, "key-b")]


def test_retired_version_can_be_activated_again() -> None:
    """Rolling back is activating an older version; its earlier steps stay."""
    first = [version(step) for step in ("proposed", "approved", "activated")]
    second = [version(step, 2) for step in ("proposed", "approved", "activated")]
    replaced = [*first, *second, version("retired", 1)]
    versions = folded(*replaced)
    assert (versions.active, status(versions, 1), status(versions, 2)) == (2, "retired", "active")
    back = folded(*replaced, version("activated", 1), version("retired", 2))
    assert (back.active, status(back, 1), status(back, 2)) == (1, "active", "retired")
    record = back.get(1)
    assert record is not None
    assert [step.index for step in record.activations] == [2, 7]
    assert back.next_number == 3


def test_version_is_approved_when_enough_keys_approved() -> None:
    """The same key twice is one; where none must approve, it is proposed until somebody does."""
    by = [version("approved", by=key) for key in ("key-b", "key-b", "key-c")]
    required = [version("approvals", count=count, reason="so many") for count in (0, 2)]
    seen = [status(folded(required[1], version("proposed"), *by[:end]), 1) for end in range(4)]
    assert seen == [
        VersionStatus.PROPOSED,
        VersionStatus.PROPOSED,
        VersionStatus.PROPOSED,
        VersionStatus.APPROVED,
    ]
    assert status(folded(required[0], version("proposed")), 1) == VersionStatus.PROPOSED
    assert status(folded(version("proposed"), by[0], required[1]), 1) == VersionStatus.PROPOSED
    back = folded(version("proposed"), by[0], *reversed(required))
    assert (status(back, 1), back.required_approvals) == (VersionStatus.APPROVED, 0)
    assert back.approvals_step is not None
    assert (back.approvals_step.index, back.approvals_step.reason) == (3, "so many")


@pytest.mark.parametrize(("step", "ends"), [("rejected", "rejected"), ("superseded", "superseded")])
def test_version_can_end_without_activation(step: str, ends: str) -> None:
    versions = folded(version("proposed"), version(step, reason="too early"))
    assert (status(versions, 1), versions.active) == (ends, None)


def test_rejection_keeps_its_reason() -> None:
    record = folded(version("proposed"), version("rejected", reason="too early")).get(1)
    assert record is not None
    assert record.rejection is not None
    assert record.rejection.reason == "too early"


@pytest.mark.parametrize(
    "leaf",
    [
        version("proposed", 1),
        version("proposed", 3),
        version("approved", 2),
        version("approved", digest="sha256:other"),
        version("activated", digest="sha256:other"),
    ],
)
def test_fold_refuses_an_entry_that_cannot_follow(leaf: dict[str, Any]) -> None:
    """Numbers count up, and a digest stays what was proposed."""
    with pytest.raises(BrokenHistoryError):
        folded(version("proposed"), leaf)


def test_entries_of_other_kinds_change_no_version() -> None:
    versions = folded(version("proposed"))
    hold = HoldSet(at=version("proposed")["at"], workspace="acme", by="key-a", hold="h", reason="r")
    assert versions.with_entry(1, hold) == versions
