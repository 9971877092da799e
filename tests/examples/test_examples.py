"""The examples are true: each edit makes a good document, the page says what the commands print."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.edits import edits
from tests.examples.page import HEAD, PAGE, section
from tests.examples.sample import CONVERSATIONS, shipped, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("file", edits(), ids=lambda file: file.stem)
def test_the_page_says_what_the_commands_print_of_an_edit(file: Path) -> None:
    told = section(file)
    assert f"\n{file.name}: good\n" in told.text
    assert "notice: " not in told.text
    page = PAGE.read_text(encoding="utf-8")
    assert f"\n{told.text}" in page
    assert f"\n{told.row}\n" in page


def test_the_page_tells_of_the_edits_alone_and_in_order() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.startswith(HEAD)
    headings = [line[3:] for line in page.splitlines() if line.startswith("## ")]
    assert headings == [file.stem for file in edits()]
    assert len(headings) == 20


def test_the_sample_is_the_one_that_is_drawn() -> None:
    assert shipped() == written()
    assert CONVERSATIONS <= 200
