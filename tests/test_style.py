"""Laws of the code base: word lists agree, no file is too long or names a folder outside."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest

from rules.model import event, vocabulary
from tests.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

MAX_LINES = 350


def tracked_files() -> list[Path]:
    """Return the files of the project that git knows; without git, those of its packages."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        rooms = ("rules", "audit", "policy_service", "tests", "docs")
        return [path for room in rooms for path in (ROOT / room).rglob("*") if path.is_file()]
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


MODULES = [path for path in tracked_files() if path.suffix == ".py"]


def allowed_values(described: type, field: str) -> tuple[str, ...]:
    """Return the values that a field of an event may have."""
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
def test_event_types_have_the_values_of_the_vocabulary(
    described: type, field: str, table: Any
) -> None:
    """The types of events list the values for the type checker; the vocabulary is the table."""
    assert list(allowed_values(described, field)) == list(table)


def test_facts_have_the_values_of_events() -> None:
    assert vocabulary.FACTS["event.type"].values == allowed_values(event.Event, "type")
    assert vocabulary.FACTS["contact.kind"].values == allowed_values(event.EventContact, "kind")


def test_no_module_is_too_long() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): count
        for path in MODULES
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MAX_LINES
    }
    assert long == {}


def test_every_module_has_a_docstring() -> None:
    silent = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if path.stat().st_size and not path.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []


def test_only_tests_name_folders_outside_the_project() -> None:
    outside_names = re.compile(rb"\.\./shared|/work/|\bshared/")
    outside = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if ROOT / "tests" not in path.parents and outside_names.search(path.read_bytes())
    ]
    assert outside == []
