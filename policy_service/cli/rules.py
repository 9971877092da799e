"""`rules`: show, check, test, compare and explain documents."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from audit.verification.findings import escape_control
from policy_service.cli.command_group import CommandGroup
from policy_service.cli.console import data_option, exit_with_finding, fail, json_option, print_json
from policy_service.cli.region_counts import count_decisions, history_option
from policy_service.cli.render_diff import difference_lines
from policy_service.cli.render_reports import (
    coverage_lines,
    junit_report,
    report_lines,
    semantic_change_lines,
)
from policy_service.decisions.explanation import explanation_view
from policy_service.policies.directory import directory_from
from policy_service.policies.reports import (
    coverage_view,
    list_regions,
    report_view,
    semantic_changes_view,
)
from policy_service.policies.version_views import difference_view
from policy_service.problems import complaint_as_json
from rules.analysis.report import build_report
from rules.analysis.semantic_diff import compare_decisions
from rules.analysis.test_coverage import measure_coverage as coverage_of
from rules.analysis.text_diff import compare_texts as difference_of
from rules.check import CheckResult
from rules.check import check_document as check_source
from rules.engine.evaluator import explain_ruling as explain_facts
from rules.engine.facts import Conversation, derive_facts
from rules.errors import Complaint, InvalidDocumentError, InvalidEventError
from rules.formats.document_text import DocumentSource, read_json, read_yaml
from rules.formats.strict_json import StrictJsonError, parse_json
from rules.formats.utf8 import TextEncodingError, decode_text
from rules.model import builtin
from rules.model.directory import EMPTY_DIRECTORY
from rules.model.document import Document
from rules.model.event import parse_event
from rules.model.vocabulary import Stage
from rules.validation.json_schema import build_json_schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rules.model.directory import WorkspaceDirectory

TEST_FAILED = "test_failed"
OWN_CODES = frozenset({TEST_FAILED, "property_broken", "property_undecided"})
"""The codes of failing tests and broken properties. Such a document is otherwise valid."""

_document_file: Any = click.Path(exists=True, dir_okay=False, path_type=Path)
_new_file: Any = click.Path(dir_okay=False, writable=True, path_type=Path)


_COMMANDS = {
    "propose": "policy_service.cli.versions:propose",
    "approve": "policy_service.cli.versions:approve",
    "reject": "policy_service.cli.versions:reject",
    "activate": "policy_service.cli.versions:activate",
    "unschedule": "policy_service.cli.versions:unschedule",
    "approvals": "policy_service.cli.policy_requirements:approvals",
    "guardrails": "policy_service.cli.policy_requirements:guardrails",
}


@click.group(cls=CommandGroup, paths=_COMMANDS)
def rules() -> None:
    """Show, check, test, compare and explain rule documents."""


@rules.command("show")
@json_option
def show_builtin(*, as_json: bool) -> None:
    """Print the built-in document."""
    if as_json:
        print_json(builtin.load_tree())
    else:
        click.echo(builtin.load_text(), nl=False)


@rules.command()
@click.argument("file", type=_document_file)
@click.option(
    "--directory",
    type=click.File("rb"),
    help="A JSON file with the existing teams, teammates and tags.",
)
@data_option
@history_option
@json_option
def check(
    file: Path, directory: IO[bytes] | None, data: Path, workspace: str | None, *, as_json: bool
) -> None:
    """Check a document: list every fault, and run its tests."""
    names = _read_directory(directory) if directory else EMPTY_DIRECTORY
    findings = _check_file(file)
    extra = {}
    if findings.document is not None:
        report = build_report(findings.document, _read_source(file), names)
        counts = count_decisions(data, workspace, list_regions(report))
        extra = report_view(report, counts)
        if not as_json:
            _print_lines(report_lines(file, report, counts))
    result = "refused" if findings.complaints else "good"
    _end_with_result(file, findings, result, as_json=as_json, extra=extra)


@rules.command()
@click.argument("file", type=_document_file)
@click.option("--coverage", is_flag=True, help="Suggest tests for the rules that no test reaches.")
@click.option("--junit", type=_new_file, help="Write the results to this file as JUnit XML.")
@json_option
def test(file: Path, *, coverage: bool, junit: Path | None, as_json: bool) -> None:
    """Run the tests of a document, and list the rules that no test reaches."""
    findings = _check_file(file)
    extra = {}
    if _is_sound(findings):
        failed = sum(complaint.code == TEST_FAILED for complaint in findings.complaints)
        listed = _read_source(file).value.get("tests", ())
        result = f"{len(listed) - failed} tests passed, {failed} failed"
        if junit is not None:
            junit.write_bytes(junit_report(listed, findings.complaints))
        if coverage:
            analysis = coverage_of(Document(_read_source(file).value))
            extra = {"coverage": coverage_view(analysis)}
            if not as_json:
                _print_lines(coverage_lines(analysis))
    else:
        result = "refused, its tests were not run"
    _end_with_result(file, findings, result, as_json=as_json, extra=extra)


@rules.command()
@click.argument("event", type=click.File("rb"), default="-")
@click.option("--document", type=_document_file, help="A document other than the built-in one.")
@click.option(
    "--stage",
    type=click.Choice([stage.value for stage in Stage]),
    default=Stage.NEW.value,
    show_default=True,
    help="The stage of the conversation.",
)
@click.option(
    "--asks",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="The number of earlier decisions with an `ask`.",
)
@json_option
def explain(
    event: IO[bytes], document: Path | None, stage: str, asks: int, *, as_json: bool
) -> None:
    """Decide one event, from a file or standard input, and list the rules that were tried."""
    written = _require_document(document) if document else Document(builtin.load_tree())
    try:
        happened = parse_event(parse_json(event.read(), null_is_absent=True))
    except (InvalidEventError, StrictJsonError) as error:
        fail(str(error))
    facts = derive_facts(written, happened, Conversation(stage=stage, asks=asks))
    explanation = explain_facts(written.own_binding, facts)
    ruling = explanation.ruling
    decision = {
        "outcome": ruling.outcome,
        "reason": ruling.reason,
        "rule": ruling.rule,
        "stage": ruling.stage or stage,
    }
    if as_json:
        print_json({"decision": decision, **explanation_view(explanation, facts)})
        return
    for tried in explanation.attempts:
        if tried.failed:
            expected, actual = tried.failed.expected, tried.failed.actual
            click.echo(f"  {tried.rule}: {tried.failed.fact} is {actual!r}, wanted {expected!r}")
    click.echo(f"{ruling.rule}: {ruling.outcome}, {ruling.reason}, stage {decision['stage']}")


@rules.command("schema")
@json_option
def show_schema(*, as_json: bool) -> None:
    """Print the JSON Schema of rule documents, for editors."""
    del as_json  # it is JSON anyway
    click.echo(json.dumps(build_json_schema(), indent=2, ensure_ascii=False))


@rules.command()
@click.argument("before", type=_document_file)
@click.argument("after", type=_document_file)
@data_option
@history_option
@json_option
def diff(before: Path, after: Path, data: Path, workspace: str | None, *, as_json: bool) -> None:
    """Compare a document with an earlier one; the exit code is 1 if they differ."""
    earlier, later = _require_document(before), _require_document(after)
    difference = difference_of(earlier, later)
    analysis = compare_decisions(earlier, later)
    counts = count_decisions(data, workspace, list_regions(analysis))
    if as_json:
        print_json({**difference_view(difference), **semantic_changes_view(analysis, counts)})
    else:
        _print_lines(difference_lines(difference))
        _print_lines(semantic_change_lines(analysis, counts))
    if difference:
        exit_with_finding()


def _read_directory(file: IO[bytes]) -> WorkspaceDirectory:
    """Return the directory in a file, as it is sent or as the service answers it."""
    try:
        return directory_from(parse_json(file.read()))
    except ValueError as error:
        fail(f"{file.name} is not a directory: {error}")


def _read_source(file: Path) -> DocumentSource:
    """Return the values of a file; raise InvalidDocumentError."""
    body = file.read_bytes()
    if file.suffix == ".json":
        return read_json(body)
    try:
        return read_yaml(decode_text(body))
    except TextEncodingError as error:
        raise InvalidDocumentError([error.complaint]) from None


def _check_file(file: Path) -> CheckResult:
    try:
        return check_source(_read_source(file))
    except InvalidDocumentError as refused:
        return CheckResult(None, refused.complaints)


def _is_sound(findings: CheckResult) -> bool:
    """Return True if the document has no faults but failing tests and properties of its own."""
    return all(complaint.code in OWN_CODES for complaint in findings.complaints)


def _require_document(file: Path) -> Document:
    """Return the document even if its own tests fail; end the command at any other fault."""
    findings = _check_file(file)
    if not _is_sound(findings):
        _end_with_result(file, findings, "refused", as_json=False)
    return Document(_read_source(file).value)


def _end_with_result(
    file: Path,
    findings: CheckResult,
    result: str,
    *,
    as_json: bool,
    extra: Mapping[str, Any] | None = None,
) -> None:
    """Print the findings and the result; exit with 1 if there is a complaint."""
    if as_json:
        print_json(
            {
                "result": result,
                "complaints": [complaint_as_json(complaint) for complaint in findings.complaints],
                "notices": [complaint_as_json(notice) for notice in findings.notices],
                **(extra or {}),
            }
        )
    else:
        _print_complaints(file, findings.complaints)
        _print_complaints(file, findings.notices, "notice: ")
        click.echo(f"{file}: {result}")
    if findings.complaints:
        exit_with_finding()


def _print_lines(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _print_complaints(file: Path, complaints: Iterable[Complaint], prefix: str = "") -> None:
    for complaint in complaints:
        line = "" if complaint.line is None else f":{complaint.line}"
        pointer = complaint.pointer or "/"
        text = escape_control(f"{pointer}: {complaint.message}")
        click.echo(f"{file}{line}: {prefix}{text} ({complaint.code})")
