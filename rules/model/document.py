"""A rule document of format 1 as frozen values.

A document is read in two steps. `Document` holds the checked tree as it was written, so that its
digest is the digest of the text that was approved. `Document.bind()` replaces the names of settings
(`$languages`) by their values and returns typed rules. Another set of settings binds the same tree
again; a document's own tests run that way against the default settings.

Members that a document leaves out of `settings`, `answers` and `messages` come from the built-in
document of its format. Those defaults belong to the format and never change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from rules.formats import canonical_json, durations
from rules.formats.language_tags import language_of
from rules.formats.phrases import tabulate_phrases
from rules.model import builtin
from rules.model.vocabulary import BOUND_OPERATORS, SETTING_FACTS, TAG_FACTS, ActionType, Operator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import timedelta

    from rules.formats.phrases import PhraseTables

Scalar: TypeAlias = str | bool | int | float
Facts: TypeAlias = "Mapping[str, Scalar]"
"""The known facts of an event, by the names of the vocabulary. An unknown fact is absent."""
Json: TypeAlias = Any
"""A parsed JSON value."""

REFERENCE = re.compile(r"\$([a-z_]+(?:\.[a-z_]+)*)")
"""`$name` for a whole value: a setting, or a member of one."""

OTHERWISE = "otherwise"


@dataclass(frozen=True, slots=True)
class OneOfCondition:
    """A test for one of several values, of the same type: 1 is not true."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class TagCondition:
    """A test for one of several language tags, compared without case."""

    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class NotCondition:
    """The exact complement of a test. It holds for an unknown fact if the test does not."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class RangeCondition:
    """A test for a number within bounds, each a pair of operator and number."""

    bounds: tuple[tuple[Operator, float], ...]


@dataclass(frozen=True, slots=True)
class KnownCondition:
    """A test for a known fact, or for an unknown one."""

    is_known: bool


@dataclass(frozen=True, slots=True)
class LanguageCondition:
    """A test for a tag that one of the ranges matches (RFC 4647, basic filtering)."""

    ranges: tuple[str, ...]


Condition: TypeAlias = (
    OneOfCondition
    | TagCondition
    | NotCondition
    | RangeCondition
    | KnownCondition
    | LanguageCondition
)
Conditions: TypeAlias = "tuple[tuple[str, Condition], ...]"
"""Facts and their tests, in the order of the document. All must hold."""


@dataclass(frozen=True, slots=True)
class When:
    """The tests of a rule: all of `tests` must match, and one of `any` unless it is empty."""

    conditions: Conditions
    alternatives: tuple[Conditions, ...] = ()

    def expanded_alternatives(self) -> Iterator[Conditions]:
        """Return the alternatives without `any`: the `when` holds if one of the rows holds."""
        if not self.alternatives:
            yield self.conditions
        for alternative in self.alternatives:
            yield self.conditions + alternative


UNCONDITIONAL = When(())


@dataclass(frozen=True, slots=True)
class ActionText:
    """A literal text, or the key of one of the document's messages."""

    literal: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to carry out; `argument` is None for a type without an argument."""

    type: ActionType
    argument: Json
    when: When = UNCONDITIONAL

    @property
    def text(self) -> ActionText:
        """The text of a `send_message` or `note`."""
        if isinstance(self.argument, str):
            return ActionText(literal=self.argument)
        return ActionText(message=self.argument["message"])


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: if the facts match, this outcome. The stage stays if `stage` is None."""

    id: str
    when: When
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Action, ...]


@dataclass(frozen=True)
class BoundDocument:
    """A document's guards and rules, in order, with its settings inserted."""

    document: Document
    settings: Mapping[str, Json]
    rules: tuple[Rule, ...]
    """Guards first; `otherwise` is last and always holds."""
    action_cache: dict[tuple[int, tuple[Scalar | None, ...]], tuple[Action, dict[str, Json]]] = (
        field(default_factory=dict, compare=False, repr=False)
    )
    """Cache of rendered actions, by the identity of the action and the languages."""

    @cached_property
    def setting_facts(self) -> dict[str, Scalar]:
        """The settings and their members as facts."""
        return derive_setting_facts(self.settings)

    @cached_property
    def answer_within(self) -> timedelta:
        """The time that a contact has to answer a question."""
        return durations.parse_duration(self.settings["answer_within"])


@dataclass(frozen=True)
class Document:
    """A checked document; `tree` is the document as written and never changes."""

    tree: Mapping[str, Json]

    @cached_property
    def canonical_bytes(self) -> bytes:
        """The RFC 8785 bytes that the digest is over."""
        return canonical_json.encode_canonical(self.tree)

    @cached_property
    def digest(self) -> str:
        """The digest that identifies the document."""
        return canonical_json.digest_bytes(self.canonical_bytes)

    @property
    def title(self) -> str | None:
        """The document's title, None if it has none."""
        title: str | None = self.tree.get("title")
        return title

    @cached_property
    def settings(self) -> dict[str, Json]:
        """The document's settings over the defaults of its format."""
        return {**builtin.load_tree()["settings"], **(self.tree.get("settings") or {})}

    @cached_property
    def answers(self) -> dict[str, list[str]]:
        """The phrases of each choice."""
        return {**builtin.load_tree()["answers"], **(self.tree.get("answers") or {})}

    @cached_property
    def phrases(self) -> PhraseTables:
        """The choice of each listed phrase, under the folds of the document's languages."""
        tags = (*self.settings["languages"], self.settings["default_language"], *self.messages)
        return tabulate_phrases(self.answers, {language_of(tag) for tag in tags})

    @cached_property
    def messages(self) -> dict[str, dict[str, str]]:
        """The texts by language and key."""
        messages = {tag: dict(texts) for tag, texts in builtin.load_tree()["messages"].items()}
        for tag, texts in (self.tree.get("messages") or {}).items():
            messages[tag] = {**messages.get(tag, {}), **texts}
        return messages

    @cached_property
    def declared_attributes(self) -> dict[str, dict[str, Json]]:
        """The custom attributes and their declarations, by the name of the fact."""
        return dict(self.tree.get("facts") or {})

    @cached_property
    def own_binding(self) -> BoundDocument:
        """The document bound to its own settings."""
        return self.bind(self.settings)

    def bind(self, settings: Mapping[str, Json]) -> BoundDocument:
        """Return the rules with these settings, which must be complete."""
        rule_trees = [*self.tree.get("guards", ()), *self.tree["rules"]]
        rules = [_parse_rule(resolve_references(rule, settings)) for rule in rule_trees]
        otherwise = {"id": OTHERWISE, **self.tree["otherwise"]}
        rules.append(_parse_rule(resolve_references(otherwise, settings)))
        return BoundDocument(self, settings, tuple(rules))


def resolve_references(value: Json, settings: Mapping[str, Json]) -> Json:
    """Return the value with settings inserted; a list is spliced into a list."""
    if isinstance(value, str):
        reference = REFERENCE.fullmatch(value)
        return lookup_setting(settings, reference[1]) if reference else value
    if isinstance(value, dict):
        return {key: resolve_references(member, settings) for key, member in value.items()}
    if isinstance(value, list):
        return list(_splice_lists(value, settings))
    return value


def lookup_setting(settings: Mapping[str, Json], name: str) -> Json:
    """Return a setting, or a member of one by a dotted name; None if it is not set."""
    value: Json = settings
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _splice_lists(items: Sequence[Json], settings: Mapping[str, Json]) -> Iterator[Json]:
    for item in items:
        resolved = resolve_references(item, settings)
        if isinstance(item, str) and isinstance(resolved, list):
            yield from resolved
        else:
            yield resolved


def derive_setting_facts(settings: Mapping[str, Json]) -> dict[str, Scalar]:
    """Return the settings and their members as facts; lists and mappings are known as true."""
    values = {
        name: lookup_setting(settings, name.removeprefix("settings.")) for name in SETTING_FACTS
    }
    return {
        name: True if isinstance(value, list | dict) else value
        for name, value in values.items()
        if value is not None
    }


def _parse_rule(tree: Mapping[str, Json]) -> Rule:
    return Rule(
        id=tree["id"],
        when=parse_when(tree["when"]) if "when" in tree else UNCONDITIONAL,
        outcome=tree["outcome"],
        reason=tree["reason"],
        stage=tree.get("stage"),
        actions=tuple(map(_parse_action, tree.get("actions") or ())),
    )


def parse_when(tree: Mapping[str, Json]) -> When:
    """Return a resolved `when` as values."""
    return When(_parse_conditions(tree), tuple(map(_parse_conditions, tree.get("any", ()))))


def _parse_conditions(tree: Mapping[str, Json]) -> Conditions:
    return tuple(
        (fact, parse_condition(fact, test)) for fact, test in tree.items() if fact != "any"
    )


def parse_condition(fact: str, test: Json) -> Condition:
    """Return a resolved test of a fact as a value.

    An unset setting equals nothing, in a list too.
    """
    if not isinstance(test, dict):
        values = _non_null_values(test)
        return TagCondition(values) if fact in TAG_FACTS else OneOfCondition(values)
    if Operator.NOT in test:
        return NotCondition(parse_condition(fact, test[Operator.NOT]))
    if Operator.KNOWN in test:
        return KnownCondition(test[Operator.KNOWN])
    if Operator.LANGUAGE in test:
        return LanguageCondition(_non_null_values(test[Operator.LANGUAGE]))
    return RangeCondition(tuple((bound, test[bound]) for bound in BOUND_OPERATORS if bound in test))


def _non_null_values(values: Json) -> tuple[Json, ...]:
    items = values if isinstance(values, list) else [values]
    return tuple(value for value in items if value is not None)


def format_condition(condition: Condition) -> Json:
    """Return a condition as a document writes it; the inverse of `parse_condition`."""
    match condition:
        case OneOfCondition(values) | TagCondition(values):
            return values[0] if len(values) == 1 else list(values)
        case NotCondition(test):
            return {"not": format_condition(test)}
        case KnownCondition(known):
            return {"known": known}
        case LanguageCondition(ranges):
            return {"language": list(ranges)}
        case RangeCondition(bounds):
            return {bound.value: number for bound, number in bounds}


def _parse_action(tree: Json) -> Action:
    if isinstance(tree, str):
        return Action(ActionType(tree), None)
    name = next(key for key in tree if key != "when")
    when = parse_when(tree["when"]) if "when" in tree else UNCONDITIONAL
    return Action(ActionType(name), tree[name], when)
