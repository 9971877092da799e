"""A rule document of format 1 as frozen values.

A document is read in two steps. `Document` holds the checked tree as it was written, so that its
digest is the digest of what was approved. `Document.bound()` puts settings in the place of their
names (`$languages`) and gives the rules as typed values; another set of settings binds the same
tree again, which is how a document's own tests run against the default settings.

What a document leaves out of `settings`, `answers` and `messages` is as in the built-in document of
its format. Those defaults belong to the format: they never change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rules.formats import canonical_json, durations
from rules.formats.phrases import normalise
from rules.model import builtin
from rules.model.vocabulary import BOUNDS, SETTING_FACTS, ActionType, Test

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

Scalar: TypeAlias = str | bool | int | float
Facts: TypeAlias = "Mapping[str, Scalar]"
"""What is known of an event, by the names of the vocabulary; what is absent is unknown."""
Json: TypeAlias = Any
"""A JSON value, parsed."""

REFERENCE = re.compile(r"\$([a-z_]+(?:\.[a-z_]+)*)")
"""`$name`, in the place of a whole value: the setting of that name, or a member of one."""

OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Holds for a fact that equals one of the values; of the same type, so that 1 is not true."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The exact complement: it holds for an unknown fact where the test does not."""

    test: Condition


@dataclass(frozen=True, slots=True)
class Within:
    """Holds for a number within all the bounds, each a pair of operator and number."""

    bounds: tuple[tuple[Test, float], ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Holds where the fact is known, or where it is not."""

    known: bool


@dataclass(frozen=True, slots=True)
class InLanguage:
    """Holds for a tag that one of the ranges matches (RFC 4647, basic filtering)."""

    ranges: tuple[str, ...]


Condition: TypeAlias = OneOf | Not | Within | Known | InLanguage
Conditions: TypeAlias = "tuple[tuple[str, Condition], ...]"
"""Facts and what is asked of each, in the order they are written; all must hold."""


@dataclass(frozen=True, slots=True)
class When:
    """All of `tests`, and one of `any` where there are alternatives."""

    tests: Conditions
    any: tuple[Conditions, ...] = ()

    def rows(self) -> Iterator[Conditions]:
        """The same as alternatives without `any`: it holds where one of the rows does."""
        if not self.any:
            yield self.tests
        for alternative in self.any:
            yield self.tests + alternative


ALWAYS = When(())


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is, or the key of one in the document's messages."""

    literal: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to carry out; `argument` is what its type takes, None for a bare one."""

    type: ActionType
    argument: Json
    when: When = ALWAYS

    @property
    def text(self) -> Text:
        """The text of a `send_message` or `note`."""
        if isinstance(self.argument, str):
            return Text(literal=self.argument)
        return Text(message=self.argument["message"])


@dataclass(frozen=True, slots=True)
class Rule:
    """When these facts hold, this outcome. No `stage`: the stage stays."""

    id: str
    when: When
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class BoundDocument:
    """A document's guards and rules, in order, with its settings in place."""

    document: Document
    settings: Mapping[str, Json]
    rules: tuple[Rule, ...]
    """Guards first; the last one is `otherwise`, which always holds."""
    rendered: dict[tuple[int, tuple[Scalar | None, ...]], tuple[Action, dict[str, Json]]] = field(
        default_factory=dict, compare=False, repr=False
    )
    """What `render` remembers: actions, by identity, as they are put to one of these languages."""

    @cached_property
    def setting_facts(self) -> dict[str, Scalar]:
        return setting_facts(self.settings)

    @cached_property
    def answer_within(self) -> timedelta:
        return durations.parse(self.settings["answer_within"])


@dataclass(frozen=True)
class Document:
    """A checked document: `tree` is what was written, and is never changed."""

    tree: Mapping[str, Json]

    @cached_property
    def canonical(self) -> bytes:
        """The RFC 8785 bytes that the digest is over."""
        return canonical_json.canonical(self.tree)

    @cached_property
    def digest(self) -> str:
        return canonical_json.digest_of_bytes(self.canonical)

    @property
    def title(self) -> str | None:
        title: str | None = self.tree.get("title")
        return title

    @cached_property
    def settings(self) -> dict[str, Json]:
        return {**builtin.tree()["settings"], **(self.tree.get("settings") or {})}

    @cached_property
    def answers(self) -> dict[str, list[str]]:
        return {**builtin.tree()["answers"], **(self.tree.get("answers") or {})}

    @cached_property
    def phrases(self) -> dict[str, str]:
        """The choice that each listed phrase stands for, by the normalised phrase."""
        return {
            normalise(phrase): choice
            for choice, phrases in self.answers.items()
            for phrase in phrases
        }

    @cached_property
    def messages(self) -> dict[str, dict[str, str]]:
        """Texts by language and key."""
        messages = {tag: dict(texts) for tag, texts in builtin.tree()["messages"].items()}
        for tag, texts in (self.tree.get("messages") or {}).items():
            messages[tag] = {**messages.get(tag, {}), **texts}
        return messages

    @cached_property
    def declared(self) -> dict[str, dict[str, Json]]:
        """The custom attributes, by their fact's name, as they are declared."""
        return dict(self.tree.get("facts") or {})

    @cached_property
    def own(self) -> BoundDocument:
        """Bound to the document's own settings."""
        return self.bound(self.settings)

    def bound(self, settings: Mapping[str, Json]) -> BoundDocument:
        """The rules with these settings, which must be complete, in the place of their names."""
        written = [*self.tree.get("guards", ()), *self.tree["rules"]]
        rules = [_rule(resolve(rule, settings)) for rule in written]
        otherwise = {"id": OTHERWISE, **self.tree["otherwise"]}
        rules.append(_rule(resolve(otherwise, settings)))
        return BoundDocument(self, settings, tuple(rules))


def resolve(value: Json, settings: Mapping[str, Json]) -> Json:
    """The value with settings in the place of their names; a list is spliced into a list."""
    if isinstance(value, str):
        named = REFERENCE.fullmatch(value)
        return lookup(settings, named[1]) if named else value
    if isinstance(value, dict):
        return {key: resolve(member, settings) for key, member in value.items()}
    if isinstance(value, list):
        return list(_spliced(value, settings))
    return value


def lookup(settings: Mapping[str, Json], name: str) -> Json:
    """A setting, or a member of one by a dotted name; None where it is not set."""
    value: Json = settings
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _spliced(items: Sequence[Json], settings: Mapping[str, Json]) -> Iterator[Json]:
    for item in items:
        resolved = resolve(item, settings)
        if isinstance(item, str) and isinstance(resolved, list):
            yield from resolved
        else:
            yield resolved


def setting_facts(settings: Mapping[str, Json]) -> dict[str, Scalar]:
    """The settings and their members as facts; one that is a list or a mapping is known as true."""
    found = {name: lookup(settings, name.removeprefix("settings.")) for name in SETTING_FACTS}
    return {
        name: True if isinstance(value, list | dict) else value
        for name, value in found.items()
        if value is not None
    }


def _rule(written: Mapping[str, Json]) -> Rule:
    return Rule(
        id=written["id"],
        when=when_of(written["when"]) if "when" in written else ALWAYS,
        outcome=written["outcome"],
        reason=written["reason"],
        stage=written.get("stage"),
        actions=tuple(map(_action, written.get("actions") or ())),
    )


def when_of(written: Mapping[str, Json]) -> When:
    """A resolved `when` as values."""
    return When(_conditions(written), tuple(map(_conditions, written.get("any", ()))))


def _conditions(written: Mapping[str, Json]) -> Conditions:
    return tuple((fact, condition(test)) for fact, test in written.items() if fact != "any")


def condition(test: Json) -> Condition:
    """A resolved test as a value. A setting that is not set is equal to nothing, in a list too."""
    if not isinstance(test, dict):
        return OneOf(_those_set(test))
    if Test.NOT in test:
        return Not(condition(test[Test.NOT]))
    if Test.KNOWN in test:
        return Known(test[Test.KNOWN])
    if Test.LANGUAGE in test:
        return InLanguage(_those_set(test[Test.LANGUAGE]))
    return Within(tuple((bound, test[bound]) for bound in BOUNDS if bound in test))


def _those_set(values: Json) -> tuple[Json, ...]:
    listed = values if isinstance(values, list) else [values]
    return tuple(value for value in listed if value is not None)


def written(asked: Condition) -> Json:
    """The condition as a document writes it: the other direction of `condition`."""
    match asked:
        case OneOf(values):
            return values[0] if len(values) == 1 else list(values)
        case Not(test):
            return {"not": written(test)}
        case Known(known):
            return {"known": known}
        case InLanguage(ranges):
            return {"language": list(ranges)}
        case Within(bounds):
            return {bound.value: number for bound, number in bounds}


def _action(written: Json) -> Action:
    if isinstance(written, str):
        return Action(ActionType(written), None)
    name = next(key for key in written if key != "when")
    when = when_of(written["when"]) if "when" in written else ALWAYS
    return Action(ActionType(name), written[name], when)
