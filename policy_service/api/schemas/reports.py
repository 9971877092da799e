"""The shapes of what is said over all facts, as they are described to clients."""

from __future__ import annotations

from typing import Any, NotRequired

from typing_extensions import TypedDict

from policy_service.api.schemas import explanations
from policy_service.api.schemas.common import STRICT, Digest, Outcome, Stage
from policy_service.policies import guardrails
from rules.model import event, vocabulary

ActionType = vocabulary.ActionType
Change = explanations.Change
Event = event.Event
State = guardrails.GuardrailState
Fact = explanations.Fact


class Decided(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    outcome: Outcome
    reason: str
    rule: str
    stage: Stage
    actions: list[ActionType]


class Example(TypedDict):
    """Facts as a test of a document gives them, and what they get."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    given: dict[str, Fact | None]
    """What is otherwise than where a test gives nothing; null where a fact is unknown."""
    decision: Decided
    conversation: list[Event] | None
    """Events the last of which has such facts, in a workspace `example` whose active version has
    these rules, under the settings given, where any are; null where none was found."""


class Finding(TypedDict):
    """What is probably not meant; it refuses nothing."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    pointer: str
    """A JSON pointer (RFC 6901) to where in the document."""
    code: str
    """Stable; docs/checks/ has a page for each."""
    message: str
    example: Example | None
    line: NotRequired[int]
    decisions: NotRequired[int]
    """How many of the recorded decisions that were looked at fall there, where that is counted."""


class Judged(TypedDict):
    """A guardrail that is set now, held against the version."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    id: str
    state: State
    """One that is inapplicable names what the version does not know: it would refuse it."""
    message: str | None
    """Why it does not hold or cannot be asked; null where it holds."""
    example: Example | None
    """What breaks it."""


class Recorded(TypedDict):
    """The recorded decisions that were looked at, with the facts that were recorded."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    decisions: int
    complete: bool
    """False where older ones were not looked at: the newest entries are."""


class Coverage(TypedDict):
    """What of the rules the document's own tests decide."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rules: int
    untested: list[str]
    """The ids of the rules that no test decides."""
    suggested_tests: list[dict[str, Any]]
    """A smallest set of tests that would decide them."""
    unreachable: list[str]
    """Those of them that no facts were found for."""
    yaml: str
    """The tests offered, to be pasted."""


class Report(TypedDict):
    """What a check of a version says beside accepting it."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int
    digest: Digest
    findings: list[Finding]
    undecided: list[str]
    """The codes of findings that there may be more of: the search was broken off."""
    properties: list[str]
    """The ids of the properties that are proved."""
    coverage: Coverage
    recorded: Recorded
    guardrails: list[Judged]
    """Those of the workspace as they are now, whichever there were when it was proposed."""


class Said(TypedDict):
    """What one version says of the facts of a group."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rule: str
    outcome: Outcome
    reason: str
    stage: Stage | None
    """Null where the stage stays."""
    actions: list[dict[str, Any]]
    """In the default language."""


class Meant(TypedDict):
    """Facts that are decided otherwise."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    texts_only: bool
    """Nothing but texts differs."""
    before: Said
    after: Said
    fact_values: dict[str, list[str]]
    """The values of each fact that narrows the group, to be read."""
    example: dict[str, Fact | None]
    """Facts of the group, as a test of a document gives them."""
    conversation: list[Event] | None
    """Events the last of which has such facts, in a workspace `example` whose active version is the
    one before; null where none was found."""
    decisions: int
    """How many of the recorded decisions that were looked at fall into the group; into one each."""


class Diff(TypedDict):
    """What one version says otherwise than another, defaults filled in."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    version: int
    against: int
    settings: list[Change]
    rules: list[Change]
    """Guards, rules and `otherwise`, by id."""
    moved_rules: list[str]
    """The ids of rules that stand in both, and in another order."""
    texts: list[Change]
    """Title, phrases and messages, by their place."""
    facts: list[Change]
    """Declared attributes."""
    properties: list[Change]
    """What a document states of itself, by id."""
    semantic_changes: list[Meant]
    """Which facts are decided otherwise, over all that there can be."""
    semantic_changes_complete: bool
    """False where there may be more than could be told."""
    recorded: Recorded
