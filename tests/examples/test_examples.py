"""Laws of the examples: each edit makes a good document, and the page shows what commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.edits import edits
from tests.examples.page import HEAD, PAGE, section
from tests.examples.sample import CONVERSATIONS, shipped, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("file", edits(), ids=lambda file: file.stem)
def test_page_shows_the_output_of_the_commands_for_an_edit(file: Path) -> None:
    shown = section(file)
    assert f"\n{file.name}: good\n" in shown.text
    assert "notice: " not in shown.text
    page = PAGE.read_text(encoding="utf-8")
    assert f"\n{shown.text}" in page
    assert f"\n{shown.row}\n" in page


def test_page_has_one_section_per_edit_in_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.startswith(HEAD)
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings == [file.stem for file in edits()]
    assert len(headings) == 20


def test_shipped_sample_equals_the_drawn_one() -> None:
    assert shipped() == written()
    assert CONVERSATIONS <= 200
