"""The house holds: lists agree, the plan names what exists, no file is long or looks outside."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest

from audit.entry import EntryKind
from policy_service.policies.policy_cache import BUILTIN_VERSION, first_leaves
from rules.model import event, vocabulary
from tests.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES = 350
ARCHITECTURE = ROOT / "docs" / "architecture.md"


def tracked() -> list[Path]:
    """The files of the project, as git knows them; without git, those of its packages."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        rooms = ("rules", "audit", "policy_service", "tests", "docs")
        return [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


MODULES = [path for path in tracked() if path.suffix == ".py"]


def words(described: type, field: str) -> tuple[str, ...]:
    """The values that a field of an event may have."""
    hint: Any = get_type_hints(described, include_extras=False)[field]
    while get_args(hint) and not isinstance(get_args(hint)[0], str):
        [hint] = get_args(hint)
    return get_args(hint)


@pytest.mark.parametrize(
    ("described", "field", "table"),
    [
        (event.Event, "type", [kind.value for kind in vocabulary.EventType]),
        (event.EventConversation, "direction", vocabulary.DIRECTIONS),
        (event.EventContact, "kind", vocabulary.CONTACT_KINDS),
        (event.EventContact, "identity", vocabulary.IDENTITIES),
        (event.EventAnswer, "choice", vocabulary.ANSWER_CHOICES),
    ],
)
def test_an_event_takes_the_words_of_the_vocabulary(
    described: type, field: str, table: Any
) -> None:
    """The types of events are written out for the type checker; the vocabulary is the table."""
    assert list(words(described, field)) == list(table)


def test_the_values_of_facts_are_those_of_events() -> None:
    assert vocabulary.FACTS["event.type"].values == words(event.Event, "type")
    assert vocabulary.FACTS["contact.kind"].values == words(event.EventContact, "kind")


def test_no_module_is_too_long() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in MODULES
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}


def test_every_module_says_what_it_is() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if path.stat().st_size and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []


def test_nothing_but_tests_knows_of_a_folder_beside_the_project() -> None:
    beside = re.compile(rb"\.\./shared|/work/|\bshared/")
    outside = [
        path.relative_to(ROOT).as_posix()
        for path in tracked()
        if ROOT / "tests" not in path.parents and beside.search(path.read_bytes())
    ]
    assert outside == []


def rooms() -> list[str]:
    """The first words of the plan of rooms."""
    plan = ARCHITECTURE.read_text(encoding="utf-8").split("```")[1]
    return [line.split()[0] for line in plan.splitlines() if line and not line.startswith(" ")]


def test_the_plan_names_rooms_that_exist() -> None:
    assert all((ROOT / room).exists() for room in rooms())


def test_every_package_is_in_the_plan() -> None:
    packages = {path.relative_to(ROOT).parts[0] for path in MODULES if path.parent != ROOT}
    assert packages <= {room.rstrip("/") for room in rooms()}


def test_every_name_of_a_module_in_the_plan_is_one() -> None:
    text = ARCHITECTURE.read_text(encoding="utf-8")
    named = re.findall(r"`((?:rules|audit|policy_service|tests)/[\w/]+\.py)`", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def table_of_leaves() -> dict[str, list[str]]:
    """The members that the plan gives each kind of leaf; those with `?` are left out."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z]+(?:\.[a-z]+)?)`[^|]*\| (`.*) \|$", text, re.MULTILINE)
    return {kind: re.findall(r"`(\w+)(?: \{[^}]*\})?`(?!\?)", members) for kind, members in rows}


def test_the_kinds_of_leaves_in_the_plan_are_kinds() -> None:
    assert set(table_of_leaves()) <= set(EntryKind)
    assert {"decision", "version.proposed", "key.created"} <= set(table_of_leaves())


def test_the_first_leaves_have_the_members_of_the_plan() -> None:
    for leaf in first_leaves("acme", "2026-11-22T10:00:00.000Z"):
        always = {"format", "kind", "at", "workspace"}
        assert set(table_of_leaves()[leaf["kind"]]) <= leaf.keys() - always
        assert leaf["version"] == BUILTIN_VERSION
