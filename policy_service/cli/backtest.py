"""`backtest`: compare a candidate with recorded decisions before anybody approves it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from audit.errors import AuditError
from audit.verification.findings import escape_control
from policy_service.cli.console import (
    data_option,
    exit_with_finding,
    fail,
    json_option,
    open_ledger,
    print_json,
)
from policy_service.cli.progress import show_progress
from policy_service.policies.policy_cache import PolicyCache, load_document
from policy_service.replays.backtest_parts import (
    BacktestRequest,
    list_parts,
    make_period,
    run_in_processes,
)
from policy_service.replays.decision_backtest import BacktestMode
from rules.check import read_document
from rules.errors import InvalidDocumentError
from rules.formats.document_text import read_json, read_yaml
from rules.formats.strict_json import StrictJsonError
from rules.formats.timestamps import parse_timestamp
from rules.formats.utf8 import TextEncodingError, decode_text
from rules.model.workspace import is_workspace

if TYPE_CHECKING:
    from datetime import datetime

    from policy_service.replays.backtest_result import Tally
    from rules.model.document import Document

MAX_PRINTED = 20


class _TimeParameter(click.ParamType):  # type: ignore[type-arg]  # no argument is taken at run time
    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - as click has it
        try:
            return parse_timestamp(value)
        except ValueError as error:
            self.fail(f"give an RFC 3339 time: {error}", param, ctx)


@click.command()
@data_option
@click.option("--workspace", required=True, help="The workspace with the history.")
@click.option(
    "--candidate",
    required=True,
    metavar="FILE",
    help="The candidate: a document in YAML or JSON, or the number of a version.",
)
@click.option(
    "--mode",
    type=click.Choice([mode.value for mode in BacktestMode]),
    default=BacktestMode.DECISIONS.value,
    show_default=True,
    help="Decide each recorded decision again, or whole conversations from their first event.",
)
@click.option("--from", "since", type=_TimeParameter(), help="Only decisions from this time on.")
@click.option("--to", "until", type=_TimeParameter(), help="Only decisions before this time.")
@json_option
def backtest(  # noqa: PLR0913 - one for each option
    *,
    data: Path,
    workspace: str,
    candidate: str,
    mode: str,
    since: datetime | None,
    until: datetime | None,
    as_json: bool,
) -> None:
    """Backtest a candidate document against a workspace's recorded decisions.

    The exit code is 1 if any decision would differ.
    """
    if not is_workspace(workspace):
        fail(f"{workspace} is not the id of a workspace")
    with open_ledger(data) as store, store.read() as snapshot:
        if workspace not in snapshot.logs():
            fail(f"there is no log of a workspace {workspace}")
        last = snapshot.latest_entry(workspace, "")
        size = last.index + 1 if last else 0
        if candidate.isascii() and candidate.isdigit():
            record = PolicyCache().versions(snapshot, workspace).get(int(candidate))
            if record is None:
                fail(f"{workspace} has no version {candidate}")
            document = load_document(snapshot, record.digest)
        else:
            document = _read_candidate(Path(candidate))
        request = BacktestRequest(
            workspace, document.canonical_bytes, size, BacktestMode(mode), make_period(since, until)
        )
        parts = list(list_parts(snapshot, request))
    try:
        with show_progress("Backtesting", sum(part.size for part in parts)) as advance:
            tally = run_in_processes(data, parts, advance)
    except AuditError as error:
        click.echo(f"the ledger cannot be read to its end: {error}", err=True)
        exit_with_finding()
    if as_json:
        print_json({"workspace": workspace, "mode": mode, **tally.as_json()})
    else:
        _print_tally(workspace, tally)
    if tally.differs:
        exit_with_finding()


def _read_candidate(file: Path) -> Document:
    """Return the document of a file; end the command if it is not valid."""
    try:
        body = file.read_bytes()
        read_source = read_json if file.suffix == ".json" else read_yaml
        return read_document(read_source(decode_text(body)))
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")
    except TextEncodingError as error:
        fail(f"{file} is refused: {error}")
    except InvalidDocumentError as error:
        lines = "\n".join(f"  {c.pointer}: {c.message}" for c in error.complaints)
        fail(f"{file} is refused:\n{lines}")
    except (UnicodeDecodeError, StrictJsonError) as error:
        fail(f"{file} is no document: {error}")


def _print_tally(workspace: str, tally: Tally) -> None:
    result = tally.as_json()
    click.echo(
        f"{escape_control(workspace)}: {result['decisions']} decisions,"
        f" {result['identical']} identical,"
        f" {result['changed']} changed, {result['undetermined']} undetermined"
    )
    for reason, count in result["undetermined_reasons"].items():
        click.echo(f"  undetermined, {reason}: {count}")
    for member, count in result["members"].items():
        which = "other" if member == "actions" else "another"
        click.echo(f"  {which} {member}: {count}")
    for title, pairs in (("outcome", result["outcomes"]), ("rule", result["rules"])):
        for pair in pairs[:MAX_PRINTED]:
            if title == "rule" or pair["before"] != pair["after"]:
                pair_text = f"{escape_control(pair['before'])} -> {escape_control(pair['after'])}"
                click.echo(f"  {title} {pair_text}: {pair['count']}")
    conversations = result["conversations"]
    click.echo(f"  conversations that change: {conversations['changed']}")
    for example in conversations["examples"]:
        click.echo(
            f"    {escape_control(example['conversation'])}, from entry {example['index']} on"
        )
