"""The textual difference of two documents, as lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.verification.findings import escape_control

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rules.analysis.text_diff import TextChange, TextDiff


def difference_lines(difference: TextDiff) -> Iterator[str]:
    """Yield the lines: `+` is new, `-` is removed, `~` is changed, with its changed members."""
    if not difference:
        yield "No difference."
    for change in difference.settings:
        yield from _lines("setting", change)
    for change in difference.rules:
        yield from _lines("rule", change)
    for rule in difference.moved_rules:
        yield f"~ rule {escape_control(rule)} stands elsewhere"
    for change in difference.texts:
        yield from _lines("text", change)
    for change in difference.facts:
        yield from _lines("fact", change)
    for change in difference.properties:
        yield from _lines("property", change)


def _lines(kind: str, change: TextChange) -> Iterator[str]:
    named = f"{kind} {escape_control(change.name)}"
    before, after = change.before, change.after
    if before is None:
        yield f"+ {named}: {_to_json_text(after)}"
    elif after is None:
        yield f"- {named}: {_to_json_text(before)}"
    elif isinstance(before, dict) and isinstance(after, dict):
        yield f"~ {named}"
        yield from _member_lines(before, after)
    elif isinstance(before, list) and isinstance(after, list) and _has_same_order(before, after):
        yield f"~ {named}"
        yield from _item_lines(before, after)
    else:
        yield f"~ {named}: {_to_json_text(before)} -> {_to_json_text(after)}"


def _member_lines(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in [*after, *(name for name in before if name not in after)]:
        if name not in before:
            yield f"    + {escape_control(name)}: {_to_json_text(after[name])}"
        elif name not in after:
            yield f"    - {escape_control(name)}: {_to_json_text(before[name])}"
        elif before[name] != after[name]:
            values = f"{_to_json_text(before[name])} -> {_to_json_text(after[name])}"
            yield f"    {escape_control(name)}: {values}"


def _has_same_order(before: Sequence[Any], after: Sequence[Any]) -> bool:
    """Return True if the common items have the same order; else the lists are shown whole."""
    return [each for each in before if each in after] == [each for each in after if each in before]


def _item_lines(before: Sequence[Any], after: Sequence[Any]) -> Iterator[str]:
    for sign, items, other_items in (("+", after, before), ("-", before, after)):
        yield from (
            f"    {sign} {_to_json_text(each)}" for each in items if each not in other_items
        )


def _to_json_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return escape_control(json.dumps(value, ensure_ascii=False))
