"""What is probably not meant in a document, over all facts: one kind of finding per file.

Findings refuse nothing. Each has a page in docs/checks/, under its code.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from rules.findings import (
    alike,
    constant,
    dead_end,
    uncovered,
    unknown_name,
    unreachable,
    unspoken,
)
from rules.solver import Undecided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rules.findings.finding import Finding, Subject
    from rules.source import Source

    Find: TypeAlias = Callable[[Subject], Iterator[Finding]]

FINDS: dict[tuple[str, ...], Find] = {
    (unreachable.CODE,): unreachable.find,
    (constant.ALWAYS, constant.NEVER, constant.TOGETHER): constant.find,
    (alike.CODE,): alike.find,
    (dead_end.CODE,): dead_end.find,
    (uncovered.CODE,): uncovered.find,
    (unknown_name.CODE,): unknown_name.find,
    (unspoken.CODE,): unspoken.find,
}
"""What looks for findings, by the codes that it tells."""

CODES: dict[str, str] = {
    "rule_unreachable": "Rules before it, together, decide all that the rule asks for.",
    "test_always_holds": "A test holds for every value that its fact can have.",
    "test_never_holds": "A test holds for no value that its fact can have.",
    "when_never_holds": "The tests of a `when` never hold together.",
    "value_not_told_apart": "A value that is named is decided as any other.",
    "stage_dead_end": "Nothing leads on from a stage that conversations come into.",
    "name_not_in_directory": "The workspace's directory knows no such team, teammate or tag.",
    "text_not_in_language": "A text is not there in a language that the settings list.",
    "otherwise_decides": "No rule decides these events: `otherwise` does.",
}
"""Every finding; a code never changes its meaning."""


def findings_of(subject: Subject, source: Source) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """What is found, in the order of the table and of the text; and the codes left undecided."""
    found: list[Finding] = []
    undecided: list[str] = []
    for codes, find in FINDS.items():
        try:
            found.extend(replace(each, line=source.line(each.pointer)) for each in find(subject))
        except Undecided:
            undecided.extend(codes)
    return tuple(found), tuple(undecided)
