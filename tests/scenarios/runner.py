"""Conversations as data, and how they are sent to a decider of events.

A scenario lists the events of one conversation with the expected members of each decision. It does
not depend on transport: `run` gives each event to `send` and checks the returned decision, so the
same scenarios hold for the rules in this process and for a server. The caller makes sure that
`Scenario.document` decides.

A file is a mapping with `scenarios` (a conversation each), `phrases` (a text typed while an answer
is awaited, by the answer it gives) or `matrix` (an event in every stage). `base` and `events` are
those of events.yaml unless the file has its own. In a sent event, null removes a member.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from rules.model import builtin
from rules.model.vocabulary import QUESTION_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

Json: TypeAlias = Any
Event: TypeAlias = "dict[str, Json]"
Decision: TypeAlias = Mapping[str, "Json"]
Send: TypeAlias = Callable[["Event"], "Decision"]

FOLDER = Path(__file__).parent
COMMON = FOLDER / "events.yaml"
BEGIN = datetime(2026, 11, 22, 10, tzinfo=UTC)
REASONS_OF_PHRASES = {
    "customer": "contact_details_needed",
    "not_customer": "lead_to_qualify",
    "unclear": "unclear_answer",
}


@dataclass(frozen=True)
class Step:
    """One event, without ids and time, and the expected members of its decision."""

    event: Mapping[str, Json]
    expect: Mapping[str, Json]
    at: str | None = None
    """When it occurred; None where that does not matter."""
    of: int | None = None
    """The step (from 1) whose question expires."""


@dataclass(frozen=True)
class Scenario:
    """The events of one conversation under a document."""

    name: str
    steps: tuple[Step, ...]
    settings: Mapping[str, Json] = field(default_factory=dict)
    """What differs from the settings of the built-in document."""
    changes: Mapping[str, Json] = field(default_factory=dict)
    """Other members of the document that differ, whole."""

    @property
    def document(self) -> dict[str, Json]:
        """Return the document that decides: the built-in one, with changes."""
        built_in = builtin.load_tree()
        settings = {**built_in["settings"], **self.settings}
        messages = {**built_in["messages"], **self.changes.get("messages", {})}
        return {**built_in, **self.changes, "settings": settings, "messages": messages}


def load(path: Path) -> list[Scenario]:
    """Return the scenarios of a file."""
    file = {**_read(COMMON), **_read(path)}
    made = [*_written(file), *_of_phrases(file), *_of_matrix(file)]
    names = [scenario.name for scenario in made]
    assert len(names) == len(set(names)), f"{path.name} has two scenarios of one name"
    return made


@cache
def own_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario of this folder."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path != COMMON)
    return tuple(scenario for path in files for scenario in load(path))


def run(scenario: Scenario, send: Send, workspace: str = "acme") -> list[Decision]:
    """Return the decisions on the scenario's events, sent in order as a new conversation.

    Raise AssertionError if a decision is not as the scenario expects.
    """
    decisions: list[Decision] = []
    for number, step in enumerate(scenario.steps, start=1):
        event = _event(scenario, number, workspace)
        if step.of is not None:
            event["question"] = {"id": _question(decisions[step.of - 1])}
        decision = send(event)
        _check(step.expect, decision, f"{scenario.name}, step {number}")
        decisions.append(decision)
    return decisions


def merged(below: Mapping[str, Json], above: Mapping[str, Json]) -> dict[str, Json]:
    """Return both mappings in one, member by member; null removes a member."""
    result = dict(below)
    for key, member in above.items():
        if isinstance(member, dict) and isinstance(result.get(key, {}), dict):
            result[key] = merged(result.get(key, {}), member)
        else:
            result[key] = member
    return {key: member for key, member in result.items() if member is not None}


def _event(scenario: Scenario, number: int, workspace: str) -> Event:
    step = scenario.steps[number - 1]
    conversation = f"c-{hashlib.sha256(scenario.name.encode()).hexdigest()[:12]}"
    at = step.at or _default_time(scenario, number).isoformat()
    own = {
        "id": f"{conversation}-{number}",
        "occurred_at": at,
        "workspace": {"id": workspace},
        "conversation": {"id": conversation},
        "contact": {"id": f"contact of {conversation}"},
    }
    return merged(step.event, own)


def _default_time(scenario: Scenario, number: int) -> datetime:
    """The time of a step: ten seconds after the one before, an hour if a question expires."""
    expired = sum(step.event["type"] == "question.expired" for step in scenario.steps[:number])
    return BEGIN + timedelta(seconds=10 * number, hours=expired)


def _question(decision: Decision) -> str:
    asked = [action["id"] for action in decision["actions"] if action["type"] in QUESTION_ACTIONS]
    identity: str = asked[-1]
    return identity


def _check(expect: Mapping[str, Json], decision: Decision, where: str) -> None:
    said = {key: decision[key] for key in expect if key != "actions"}
    wanted = {key: value for key, value in expect.items() if key != "actions"}
    assert said == wanted, f"{where}: rule {decision['rule']}, reason {decision['reason']}"
    if "actions" not in expect:
        return
    types = [_type(action) for action in expect["actions"]]
    assert [action["type"] for action in decision["actions"]] == types, f"{where}: actions"
    for action, members in zip(decision["actions"], expect["actions"], strict=True):
        if isinstance(members, dict):
            told = members[action["type"]]
            assert {key: action.get(key) for key in told} == told, f"{where}: {action['type']}"


def _type(action: Json) -> str:
    return action if isinstance(action, str) else str(next(iter(action)))


@cache
def _read(path: Path) -> dict[str, Json]:
    read: dict[str, Json] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def _written(file: Mapping[str, Json]) -> Iterator[Scenario]:
    for scenario in file.get("scenarios", ()):
        yield Scenario(
            name=scenario["name"],
            settings=scenario.get("settings", {}),
            changes=file.get("document", {}),
            steps=tuple(_step(step, file) for step in scenario["steps"]),
        )


def _of_phrases(file: Mapping[str, Json]) -> Iterator[Scenario]:
    for answer, texts in file.get("phrases", {}).items():
        for text in texts:
            said = {"send": "unclear", "with": {"message": {"text": text}}}
            reply = {**said, "expect": {"reason": REASONS_OF_PHRASES[answer]}}
            steps = (_step("start", file), _step(reply, file))
            yield Scenario(f"{text!r} is {answer}", steps)


def _of_matrix(file: Mapping[str, Json]) -> Iterator[Scenario]:
    for row in file.get("matrix", ()):
        for stage, expect in row["in"].items():
            way = [_step(step, file) for step in file["ways"][stage]]
            cell = _step({**row, "expect": {"stage": stage, **expect}}, file)
            sent = f"{row['send']} with {row['with']}" if "with" in row else row["send"]
            yield Scenario(f"{sent} in {stage}", (*way, cell))


def _step(step: Json, file: Mapping[str, Json]) -> Step:
    """Return a step as it is written; a name alone is an event without expectation."""
    step = {"send": step} if isinstance(step, str) else step
    sent = file["events"][step["send"]] if isinstance(step["send"], str) else step["send"]
    event = merged(merged(file["base"], sent), step.get("with", {}))
    return Step(event, step.get("expect", {}), step.get("at"), step.get("of"))
