"""Reports on documents as lines, and their tests as JUnit XML."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from audit.verification.findings import escape_control
from rules.analysis.example import describe_example, describe_given
from rules.analysis.test_coverage import format_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from policy_service.policies.region_counts import RegionCounts
    from rules.analysis.report import DocumentReport
    from rules.analysis.semantic_diff import GroupDecision, SemanticChange, SemanticDiff
    from rules.analysis.test_coverage import RuleCoverage
    from rules.errors import Complaint
    from rules.model.event import Event


def report_lines(
    file: Path, report: DocumentReport, counts: RegionCounts | None = None
) -> Iterator[str]:
    """Yield the findings, each with its example, and the rest of the report."""
    counts_left = iter(counts.in_region if counts else ())
    for finding in report.findings:
        line = "" if finding.line is None else f":{finding.line}"
        text = escape_control(f"{finding.pointer or '/'}: {finding.message}")
        yield f"{file}{line}: finding: {text} ({finding.code})"
        if finding.example is not None:
            yield f"    {escape_control(describe_example(finding.example))}"
            yield from _conversation_lines(finding.example.conversation)
        if counts and finding.region:
            yield _count_line(next(counts_left), counts)
    for code in report.undecided_codes:
        yield f"{file}: undecided: {code}"
    for stated in report.proved_properties:
        yield f"{file}: proved: {stated}"


def _conversation_lines(events: Sequence[Event] | None) -> Iterator[str]:
    """Yield the events, each as a line that `decide` reads."""
    if events is None:
        yield "    no conversation was found that comes to this"
    for event in events or ():
        yield f"    {escape_control(json.dumps(event))}"


def _count_line(number: int, counts: RegionCounts) -> str:
    return f"    {number} of {counts.decisions} recorded decisions fall there"


def coverage_lines(analysis: RuleCoverage) -> Iterator[str]:
    """Yield the number of tested rules, and tests to paste for the others."""
    covered = analysis.rules - len(analysis.untested)
    yield f"{covered} of {analysis.rules} rules are decided by a test"
    if analysis.suggested_tests:
        yield "These tests would decide others, pasted under `tests:`"
        yield from escape_control(format_tests(analysis.suggested_tests).rstrip("\n")).split("\n")
    for rule in analysis.unreachable:
        yield f"No facts were found that {rule} decides"


def semantic_change_lines(
    analysis: SemanticDiff, counts: RegionCounts | None = None
) -> Iterator[str]:
    """Yield the facts that are decided differently, group by group."""
    for number, change in enumerate(analysis.changes):
        yield from _change_lines(change)
        if counts:
            yield _count_line(counts.in_region[number], counts)
    if not analysis.complete:
        yield "There may be more that is decided otherwise: the search was broken off."


def _change_lines(change: SemanticChange) -> Iterator[str]:
    before, after = change.before, change.after
    if change.texts_only:
        yield f"= {before.rule} is put in other words"
    elif _describe_outcome(before) == _describe_outcome(after):
        yield f"! {_describe_outcome(before)} has other actions"
        yield from _action_lines(before.actions, after.actions)
    else:
        yield f"! {_describe_outcome(before)} -> {_describe_outcome(after)}"
    for fact, values in change.fact_values.items():
        yield escape_control(f"    where {fact} is {' or '.join(values)}")
    yield escape_control(f"    as for {describe_given(change.example)}")
    yield from _conversation_lines(change.conversation)


def _describe_outcome(decision: GroupDecision) -> str:
    stage = decision.stage or "stays"
    return f"{decision.rule} ({decision.outcome}, {decision.reason}, stage {stage})"


def _action_lines(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the actions that are removed and added, by their differences."""
    for sign, actions, other_actions in (("-", before, after), ("+", after, before)):
        for action in actions:
            if action not in other_actions:
                members = _members_that_differ(
                    action, [each for each in other_actions if each["type"] == action["type"]]
                )
                json_text = json.dumps(members, ensure_ascii=False)
                yield escape_control(f"    {sign} {action['type']}: {json_text}")
    if sorted(map(str, before)) == sorted(map(str, after)):
        yield "    the same in another order"


def _members_that_differ(
    action: Mapping[str, Any], other_actions: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the arguments of an action that differ from the other action of its type."""
    other_members = other_actions[0] if len(other_actions) == 1 else {}
    members = {name: value for name, value in action.items() if name != "type"}
    return {n: value for n, value in members.items() if other_members.get(n) != value} or members


def junit_report(tests: Sequence[Mapping[str, Any]], failures: Sequence[Complaint]) -> bytes:
    """Return the document's tests as one suite in JUnit's XML."""
    failed = {failure.pointer: failure.message for failure in failures}
    suite = Element("testsuite", name="rules", tests=str(len(tests)), failures=str(len(failed)))
    for number, test in enumerate(tests):
        case = SubElement(suite, "testcase", classname="rules", name=_to_xml_text(test["name"]))
        if message := failed.get(f"/tests/{number}"):
            SubElement(case, "failure", message=_to_xml_text(message))
    return b"%s\n" % tostring(suite, encoding="utf-8", xml_declaration=True)


def _to_xml_text(text: str) -> str:
    """Return the text without characters that XML does not allow."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
