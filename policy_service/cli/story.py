"""`story`: print the story of a conversation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from audit.verification.findings import escape_control
from policy_service.cli.console import data_option, fail, json_option, open_ledger, print_json
from policy_service.decisions.story import tell_story
from policy_service.problems import ProblemError
from policy_service.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from policy_service.policies.workspace_transaction import WorkspaceLedger

BATCH_SIZE = 500


@click.command()
@data_option
@click.option("--workspace", required=True, help="The workspace of the conversation.")
@click.argument("conversation")
@json_option
def story(data: Path, workspace: str, conversation: str, *, as_json: bool) -> None:
    """Print the events of a conversation with their decisions, rules, people and actions."""
    with open_ledger(data) as store:
        ledger = Services(store).workspace_ledger(None, workspace)
        try:
            events = list(_list_events(ledger, conversation))
        except ProblemError as problem:
            fail(problem.detail)
    if as_json:
        print_json({"items": events})
        return
    click.echo(f"Conversation {escape_control(conversation)} of {workspace}, {len(events)} events")
    for event in events:
        click.echo()
        for line in _event_lines(event):
            click.echo(escape_control(line))


def _list_events(ledger: WorkspaceLedger, conversation: str) -> Iterator[dict[str, Any]]:
    """Yield every event of a conversation, page by page."""
    page = tell_story(ledger, conversation, None, BATCH_SIZE)
    yield from page.events
    while page.next is not None:
        page = tell_story(ledger, conversation, page.next, BATCH_SIZE)
        yield from page.events


def _event_lines(event: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of one event: time, contact, decision, rule and actions."""
    yield f"{event['occurred_at']}  {event['type']}  {event['event']}"
    yield f"  {_describe_contact(event)}"
    yield (
        f"  {event['outcome']} ({event['reason']}), stage {event['stage']},"
        f" decided {event['decided_at']}, entry {event['index']}"
    )
    yield f"  by {event['rule']} of version {event['version']}, {_describe_people(event)}"
    for action in event["actions"]:
        yield f"  - {_describe_action(action)}: {action['status']}"


def _describe_contact(event: dict[str, Any]) -> str:
    if erased := event.get("erased"):
        return f"who and what was erased {erased['at']}, entry {erased['index']}"
    if event["personal"] is None:
        return "who and what is missing"
    part = event["personal"]["part"]
    contact = f"{part['contact']['kind']} {part['contact']['id']}"
    if "answer" in part:
        return f"{contact} answers {part['answer']['choice']}"
    text = part.get("message", {}).get("text")
    return contact if text is None else f"{contact} says {_quote(text)}"


def _describe_people(event: dict[str, Any]) -> str:
    approvers = ", ".join(map(_describe_key, event["approvers"])) or "nobody"
    return f"written by {_describe_key(event['author'])}, approved by {approvers}"


def _describe_key(key: dict[str, Any]) -> str:
    return key["key"] if key["name"] is None else f"{key['name']} ({key['key']})"


def _describe_action(action: dict[str, Any]) -> str:
    """Return the type of an action and its arguments."""
    parts = [action["type"]]
    for name in ("team", "teammate", "tag"):
        parts += [f"{name} {action[name]}"] if name in action else []
    parts += [f"fields {', '.join(action['fields'])}"] if "fields" in action else []
    parts += [_quote(action["text"])] if "text" in action else []
    return " ".join(parts)


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
