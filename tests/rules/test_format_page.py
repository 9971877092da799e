"""`docs/format.md` lists every code, finding, fact, setting and word of the code."""

from __future__ import annotations

import re

import pytest

from rules.analysis.lints import FINDING_CODES as FINDINGS
from rules.check import check_document
from rules.formats.document_text import read_yaml
from rules.model.vocabulary import FACTS, SETTINGS, ActionType, Fact, Operator, Outcome, Stage
from rules.validation.codes import COMPLAINT_CODES, NOTICE_CODES
from tests.folders import ROOT

PAGE = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")


def rows(head: str) -> list[list[str]]:
    """Return the cells of the table that begins with this head."""
    _, _, rest = PAGE.partition(f"\n| {head} |")
    table = rest.partition("\n\n")[0]
    return [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]


def type_of(fact: Fact) -> str:
    return ", ".join(f"`{value}`" for value in fact.values) or fact.type.value


def test_page_lists_every_code_with_its_meaning() -> None:
    assert rows("code | meaning") == [[f"`{c}`", meaning] for c, meaning in COMPLAINT_CODES.items()]
    assert rows("notice | meaning") == [[f"`{c}`", meaning] for c, meaning in NOTICE_CODES.items()]


def test_page_lists_every_finding_with_its_meaning() -> None:
    expected = [[f"[`{c}`](findings/{c}.md)", meaning] for c, meaning in FINDINGS.items()]
    assert rows("finding | meaning") == expected


def test_page_lists_every_fact() -> None:
    expected = [[f"`{f.name}`", type_of(f), f.description] for f in FACTS.values()]
    assert rows("fact | type | meaning") == expected


def test_page_lists_every_setting() -> None:
    expected = [[f"`{s.name}`", s.type.value, s.description] for s in SETTINGS.values()]
    assert rows("setting | type | meaning") == expected


@pytest.mark.parametrize(
    ("head", "words"),
    [("action | written", ActionType), ("key | value", Outcome), ("key | value", Stage)],
)
def test_page_lists_every_action_outcome_and_stage(
    head: str, words: type[ActionType | Outcome | Stage]
) -> None:
    listed = set(re.findall(r"`([a-z_]+)`", str(rows(head))))
    assert {word.value for word in words} <= listed


def test_page_lists_every_operator() -> None:
    listed = set(re.findall(r"\{([a-z]+):", str(rows("test | holds for"))))
    assert listed == {operator.value for operator in Operator}


def test_example_of_the_page_is_accepted_without_a_notice() -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example
    findings = check_document(read_yaml(example[1]))
    assert findings.document
    assert findings.notices == ()
