"""Rule documents at the command line: shown, checked, tested, explained."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from policy_service.cli.terminal import fail, found, json_option, show
from policy_service.explanation import explanation_view
from policy_service.problems import complaint_as_json
from rules import builtin
from rules.checking import check as check_source
from rules.derive import Conversation, derive
from rules.document import Document
from rules.errors import Complaint, DocumentRefused, RulesError
from rules.event import checked_event
from rules.explain import explain as explain_facts
from rules.ijson import NotIJson, loads
from rules.source import Source, read_json, read_yaml
from rules.tests_of import run_tests
from rules.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

_file = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def rules() -> None:
    """Show, check, test and explain rule documents."""


@rules.command("show")
@json_option
def show_builtin(*, as_json: bool) -> None:
    """Print the built-in document."""
    if as_json:
        show(builtin.tree())
    else:
        click.echo(builtin.text(), nl=False)


@rules.command()
@_file
@json_option
def check(file: Path, *, as_json: bool) -> None:
    """Say everything that is wrong with a document, and run its tests."""
    complaints, notices = _checked(file)
    if as_json:
        show(
            {
                "complaints": [complaint_as_json(complaint) for complaint in complaints],
                "notices": [complaint_as_json(notice) for notice in notices],
            }
        )
    else:
        _print(file, complaints, "")
        _print(file, notices, "notice: ")
        click.echo(f"{file}: {'refused' if complaints else 'good'}")
    if complaints:
        found()


@rules.command()
@_file
@json_option
def test(file: Path, *, as_json: bool) -> None:
    """Run the tests that a document carries."""
    document = _read(file)
    results = run_tests(document)
    failed = [result for result in results if result.complaint]
    if as_json:
        show(
            {
                "tests": [
                    {"name": result.name, "rule": result.rule, "passed": not result.complaint}
                    for result in results
                ]
            }
        )
    else:
        for result in failed:
            click.echo(f"failed: {result.name}: {result.complaint}")
        click.echo(f"{len(results) - len(failed)} passed, {len(failed)} failed")
    if failed:
        found()


@rules.command()
@click.argument("event", type=click.File("rb"), default="-")
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document; the built-in one if none is named.",
)
@click.option("--stage", type=click.Choice([stage.value for stage in Stage]), default=Stage.NEW)
@click.option("--asks", type=click.IntRange(0), default=0, help="Earlier decisions that asked.")
@json_option
def explain(event: IO[bytes], document: Path | None, stage: str, asks: int, *, as_json: bool) -> None:
    """Decide one event, from a file or standard input, and say which rules were tried."""
    written = _read(document) if document else Document(builtin.tree())
    try:
        happened = checked_event(loads(event.read(), null_is_absent=True))
    except (RulesError, NotIJson) as error:
        fail(str(error))
    facts = derive(written, happened, Conversation(stage=stage, asks=asks))
    explanation = explain_facts(written.own, facts)
    if as_json:
        show(explanation_view(explanation, facts))
        return
    for tried in explanation.tried:
        if tried.failed:
            wanted, actual = tried.failed.expected, tried.failed.actual
            click.echo(f"  {tried.rule}: {tried.failed.fact} is {actual!r}, wanted {wanted!r}")
    ruling = explanation.ruling
    click.echo(f"{ruling.rule}: {ruling.outcome}, {ruling.reason}, stage {ruling.stage or stage}")


def _source(file: Path) -> Source:
    try:
        if file.suffix == ".json":
            return read_json(file.read_bytes())
        return read_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8")


def _checked(file: Path) -> tuple[Iterable[Complaint], Iterable[Complaint]]:
    try:
        findings = check_source(_source(file))
    except DocumentRefused as refused:
        return refused.complaints, ()
    return findings.complaints, findings.notices


def _read(file: Path) -> Document:
    """The document without its tests being run; the command ends where it is no document."""
    try:
        return read_without_tests(_source(file))
    except DocumentRefused as refused:
        _print(file, refused.complaints, "")
        found()


def _print(file: Path, complaints: Iterable[Complaint], prefix: str) -> None:
    for complaint in complaints:
        line = "" if complaint.line is None else f":{complaint.line}"
        where = complaint.pointer or "/"
        click.echo(f"{file}{line}: {prefix}{where}: {complaint.message} ({complaint.code})")
