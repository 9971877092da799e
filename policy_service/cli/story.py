"""The story of a conversation, to read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from policy_service.access.keys import Keyring
from policy_service.cli.console import data_option, fail, json_option, opened, printable, show
from policy_service.decisions.story import Narrator
from policy_service.policies.policy_cache import PolicyCache
from policy_service.problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from audit.stores.contract import Snapshot

AT_ONCE = 500


@click.command()
@data_option
@click.option("--workspace", required=True, help="The workspace it took place in.")
@click.argument("conversation")
@json_option
def story(data: Path, workspace: str, conversation: str, *, as_json: bool) -> None:
    """Tell what happened in a conversation, what was decided, by whose rules, and what then."""
    with opened(data) as store, store.read() as snapshot:
        try:
            told = list(_told(snapshot, workspace, conversation))
        except ProblemError as problem:
            fail(problem.detail)
    if as_json:
        show({"items": told})
        return
    click.echo(f"Conversation {printable(conversation)} of {workspace}, {len(told)} events")
    for event in told:
        click.echo()
        for line in _lines(event):
            click.echo(printable(line))


def _told(snapshot: Snapshot, workspace: str, conversation: str) -> Iterator[dict[str, Any]]:
    versions = PolicyCache().versions(snapshot, workspace)
    keys = Keyring().keys(snapshot)
    narrator = Narrator(snapshot, workspace, versions, keys, personal=True)
    after: int | None = None
    while True:
        items, after = narrator.page(conversation, after, AT_ONCE)
        yield from items
        if after is None:
            return


def _lines(event: dict[str, Any]) -> Iterator[str]:
    """When, who, what, and why."""
    yield f"{event['occurred_at']}  {event['type']}  {event['event']}"
    yield f"  {_who_said_what(event)}"
    yield (
        f"  {event['outcome']} ({event['reason']}), stage {event['stage']},"
        f" decided {event['decided_at']}, entry {event['index']}"
    )
    yield f"  by {event['rule']} of version {event['version']}, {_who_stands_for_it(event)}"
    for action in event["actions"]:
        yield f"  - {_action(action)}: {action['status']}"


def _who_said_what(event: dict[str, Any]) -> str:
    if erased := event.get("erased"):
        return f"who and what was erased {erased['at']}, entry {erased['index']}"
    if event["personal"] is None:
        return "who and what is missing"
    part = event["personal"]["part"]
    contact = f"{part['contact']['kind']} {part['contact']['id']}"
    if "answer" in part:
        return f"{contact} answers {part['answer']['choice']}"
    text = part.get("message", {}).get("text")
    return contact if text is None else f"{contact} says {_quoted(text)}"


def _who_stands_for_it(event: dict[str, Any]) -> str:
    approvers = ", ".join(map(_name, event["approvers"])) or "nobody"
    return f"written by {_name(event['author'])}, approved by {approvers}"


def _name(who: dict[str, Any]) -> str:
    return who["key"] if who["name"] is None else f"{who['name']} ({who['key']})"


def _action(action: dict[str, Any]) -> str:
    """Its type, and what tells it from others of the type."""
    told = [action["type"]]
    for name in ("team", "teammate", "tag"):
        told += [f"{name} {action[name]}"] if name in action else []
    told += [f"fields {', '.join(action['fields'])}"] if "fields" in action else []
    told += [_quoted(action["text"])] if "text" in action else []
    return " ".join(told)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
