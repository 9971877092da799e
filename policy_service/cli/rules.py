"""Rule documents at the command line: shown, checked, tested, explained."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from policy_service.cli.terminal import fail, found, json_option, show
from policy_service.explanation import explanation_view
from policy_service.problems import complaint_as_json
from rules import builtin
from rules.checking import check as check_source
from rules.checking import read_document
from rules.derive import Conversation, derive
from rules.document import Document
from rules.errors import Complaint, DocumentRefused, RulesError
from rules.event import checked_event
from rules.explain import explain as explain_facts
from rules.ijson import NotIJson, loads
from rules.source import Source, read_json, read_yaml
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
    findings = check_source(_source(file))
    complaints, notices = findings.complaints, findings.notices
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
    source = _source(file)
    findings = check_source(source)
    if any(complaint.code != "test_failed" for complaint in findings.complaints):
        _print(file, findings.complaints, "")
        found()
    failed = len(findings.complaints)
    passed = len(source.value.get("tests") or ()) - failed
    if as_json:
        failures = [complaint_as_json(failure) for failure in findings.complaints]
        show({"passed": passed, "failed": failed, "failures": failures})
    else:
        _print(file, findings.complaints, "")
        _print(file, findings.notices, "notice: ")
        click.echo(f"{passed} passed, {failed} failed")
    if failed:
        found()


@rules.command()
@click.argument("event", type=click.File("rb"), default="-")
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The document; the built-in one if none is named.",
)
@click.option("--stage", type=click.Choice([stage.value for stage in Stage]), default=Stage.NEW.value)
@click.option("--asks", type=click.IntRange(0), default=0, help="Earlier decisions that asked.")
@json_option
def explain(
    event: IO[bytes], document: Path | None, stage: str, asks: int, *, as_json: bool
) -> None:
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
    """The file's values; the command ends where it has none."""
    try:
        if file.suffix == ".json":
            return read_json(file.read_bytes())
        return read_yaml(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        fail(f"{file} is not UTF-8")
    except DocumentRefused as refused:
        _print(file, refused.complaints, "")
        found()


def _read(file: Path) -> Document:
    try:
        return read_document(_source(file))
    except DocumentRefused as refused:
        _print(file, refused.complaints, "")
        found()


def _print(file: Path, complaints: Iterable[Complaint], prefix: str) -> None:
    for complaint in complaints:
        line = "" if complaint.line is None else f":{complaint.line}"
        where = complaint.pointer or "/"
        click.echo(f"{file}{line}: {prefix}{where}: {complaint.message} ({complaint.code})")
