"""Example conversations: the last event has given facts.

1. The events that lead to a stage are searched breadth first, among events that make a rule decide
   and events of every type.
2. Each event is derived and decided like any other.
3. A conversation is returned only if its last event has the requested facts, as far as any test
   distinguishes them.

A failed search does not prove that there is no conversation. Times are constant. Ids are made of
the document, its settings and the events: they are equal within one conversation and differ between
two.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, cast

from rules.engine.compiler import CompiledPolicy
from rules.engine.facts import Conversation, derive_facts, sample_bucket
from rules.errors import InvalidEventError
from rules.formats.canonical_json import encode_canonical
from rules.formats.phrases import find_choice
from rules.formats.timestamps import format_timestamp, parse_timestamp
from rules.model.event import parse_event
from rules.model.test_defaults import BASE_FACTS, SETTING_PREFIX
from rules.model.vocabulary import (
    DEFAULT_CHANNEL,
    LANGUAGE_FACT,
    STAGE_FACT,
    ActionType,
    AnswerChoice,
    EventType,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from rules.analysis.fact_space import FactSpace
    from rules.model.document import BoundDocument, Document, Rule, Scalar
    from rules.model.event import Event

    Facts = Mapping[str, Scalar]

EXAMPLE_WORKSPACE = "example"
MAX_EVENTS = 8
"""Maximum number of events in a conversation that is searched for."""
MAX_LEADING_FACTS = 10
"""Rules of one stage whose facts are used for events on the way."""
MAX_TRIED_IDS = 200_000
"""Conversation ids that are tried for one place in the sample."""
ID_DIGEST_LENGTH = 12
"""Hexadecimal digits that distinguish the ids of two conversations."""
_BEGIN = datetime(2026, 1, 5, 10, tzinfo=UTC)
_PAUSE = timedelta(minutes=1)
_ASKS_FACT = "conversation.asks"
_BUCKET_FACT = "sample.bucket"
_UNCLEAR_REPLIES = ("What do you mean?", "Tell me more", "")
"""Non-empty replies, at least one of which is not a listed phrase."""
_ATTRIBUTE_PREFIX = "attributes."


class _ConversationState(NamedTuple):
    """The progress of a conversation."""

    stage: str
    asks: int


_NEW_STATE = _ConversationState(Conversation().stage, Conversation().asks)


class ConversationSearch:
    """A search for conversations that a document decides, under its own settings or others."""

    def __init__(
        self,
        binding: BoundDocument,
        space: FactSpace,
        leading_facts: Iterable[Facts],
        *other_documents: Document,
    ) -> None:
        """Prepare a search in a space of the document and of others that see the last event.

        `leading_facts` are facts that rules decide; events on the way are made of them.
        """
        self._binding = binding
        self._documents = (binding.document, *other_documents)
        self._space = space
        self._leading_facts = [*leading_facts, *_facts_of_every_type()]
        self._reached_states: dict[str, dict[_ConversationState, tuple[Event, ...]]] = {}
        self._ids: dict[tuple[int, str], str | None] = {}

    @cached_property
    def _policy(self) -> CompiledPolicy:
        return CompiledPolicy(self._binding)

    def find_conversation(self, facts: Facts, rule: str) -> tuple[Event, ...] | None:
        """Return events of which the last has these facts and is decided by the rule.

        Return None if none is found. The facts are equal as far as any test distinguishes them. The
        events are in the language of the facts if that changes nothing.
        """
        conversation = self._find_id(facts.get(_BUCKET_FACT), "c")
        if conversation is None:
            return None
        for state, earlier_events in self._reachable_states(conversation):
            state_facts: Facts = {**facts, STAGE_FACT: state.stage, _ASKS_FACT: state.asks}
            if self._has_same_class(STAGE_FACT, state_facts, facts) and self._has_same_class(
                _ASKS_FACT, state_facts, facts
            ):
                last_event = self._build_event(facts, conversation, earlier_events)
                derived_facts = self._derive_facts(last_event, state)
                if derived_facts is None or self._policy.decide(derived_facts).rule != rule:
                    return None
                if not self._event_has_facts(last_event, state, facts):
                    return None
                translated = self._translate_events(earlier_events, state, facts.get(LANGUAGE_FACT))
                return self._assign_ids((*translated, last_event), facts.get(_BUCKET_FACT))
        return None

    def _translate_events(
        self, events: tuple[Event, ...], state: _ConversationState, language: Scalar | None
    ) -> tuple[Event, ...]:
        """Return the events in one language if they lead to the same state, else unchanged."""
        if language is None:
            return events
        translated = tuple(_set_language(event, str(language)) for event in events)
        reached_state: _ConversationState | None = _NEW_STATE
        for event in translated:
            reached_state = self._next_state(event, reached_state) if reached_state else None
        return translated if reached_state == state else events

    def _assign_ids(
        self, events: tuple[Event, ...], bucket: Scalar | None
    ) -> tuple[Event, ...] | None:
        """Return the events with ids of their own, in the same place of the sample."""
        content = [self._binding.document.digest, self._binding.settings, list(events)]
        digest = hashlib.sha256(encode_canonical(content)).hexdigest()[:ID_DIGEST_LENGTH]
        conversation = self._find_id(bucket, f"c-{digest}")
        if conversation is None:
            return None
        events_with_ids: list[Any] = [
            {
                **event,
                "id": f"ev-{digest}-{number}",
                "conversation": {**event["conversation"], "id": conversation},
            }
            for number, event in enumerate(events, start=1)
        ]
        return tuple(events_with_ids)

    def _derive_facts(
        self, event: Event, state: _ConversationState, document: Document | None = None
    ) -> Facts | None:
        """Return the facts of an event in this state; None if the event is invalid."""
        try:
            return derive_facts(
                document or self._binding.document, parse_event(event), Conversation(*state)
            )
        except InvalidEventError:
            return None

    def _event_has_facts(self, event: Event, state: _ConversationState, facts: Facts) -> bool:
        """Return True if each document derives these facts, as far as tests distinguish."""
        for document, view in zip(self._documents, self._space.views, strict=True):
            derived_facts = self._derive_facts(event, state, document) or {}
            tested_names = (
                n for n in view if n in self._space.examples and not n.startswith(SETTING_PREFIX)
            )
            if not all(self._has_same_class(name, derived_facts, facts) for name in tested_names):
                return False
        return True

    def _has_same_class(self, name: str, facts: Facts, other_facts: Facts) -> bool:
        """Return True if no test distinguishes the fact's two values."""
        if name not in self._space.examples:
            return True
        class_of = self._space.class_of
        class_ = class_of(name, facts.get(name))
        other_class = class_of(name, other_facts.get(name))
        return class_ == other_class

    def _find_id(self, bucket: Scalar | None, prefix: str) -> str | None:
        """Return a conversation id with this prefix whose bucket is equivalent."""
        if _BUCKET_FACT not in self._space.examples:
            return prefix
        bucket_class = self._space.class_of(_BUCKET_FACT, bucket)
        if (bucket_class, prefix) not in self._ids:
            candidates = (f"{prefix}-{number}" for number in islice(count(1), MAX_TRIED_IDS))
            buckets = (
                (candidate, sample_bucket(EXAMPLE_WORKSPACE, candidate)) for candidate in candidates
            )
            class_of = self._space.class_of
            matches = (
                candidate
                for candidate, number in buckets
                if class_of(_BUCKET_FACT, number) == bucket_class
            )
            self._ids[bucket_class, prefix] = next(matches, None)
        return self._ids[bucket_class, prefix]

    def _reachable_states(
        self, conversation: str
    ) -> Iterator[tuple[_ConversationState, tuple[Event, ...]]]:
        """Yield the states of conversations with the events that lead there, fewest first."""
        if conversation in self._reached_states:
            yield from self._reached_states[conversation].items()
            return
        events_by_state: dict[_ConversationState, tuple[Event, ...]] = {_NEW_STATE: ()}
        queue = [_NEW_STATE]
        yield _NEW_STATE, ()
        while queue:
            state = queue.pop(0)
            earlier_events = events_by_state[state]
            for facts in self._leading_facts if len(earlier_events) + 1 < MAX_EVENTS else ():
                event = self._build_event(facts, conversation, earlier_events)
                next_state = self._next_state(event, state)
                if next_state is not None and next_state not in events_by_state:
                    events_by_state[next_state] = (*earlier_events, event)
                    queue.append(next_state)
                    yield next_state, events_by_state[next_state]
        self._reached_states[conversation] = events_by_state

    def _next_state(self, event: Event, state: _ConversationState) -> _ConversationState | None:
        """Return the state after the event is decided; None if the event is invalid."""
        facts = self._derive_facts(event, state)
        if facts is None:
            return None
        ruling = self._policy.decide(facts)
        has_ask = any(action.type is ActionType.ASK for action in ruling.actions)
        return _ConversationState(ruling.stage or state.stage, state.asks + has_ask)

    def _build_event(
        self, facts: Facts, conversation: str, earlier_events: tuple[Event, ...]
    ) -> Event:
        """Return an event a minute after the last one; a question expires at its deadline."""
        event = build_event(facts, self._binding.document)
        event["id"] = f"ev-{len(earlier_events) + 1}"
        before = parse_timestamp(earlier_events[-1]["occurred_at"]) if earlier_events else _BEGIN
        pause = self._answer_within if event["type"] == EventType.EXPIRED.value else _PAUSE
        event["occurred_at"] = format_timestamp(before + pause)
        event["conversation"]["id"] = conversation
        return event

    @cached_property
    def _answer_within(self) -> timedelta:
        """The longest time to answer that a document allows."""
        bindings = (self._binding, *(document.own_binding for document in self._documents))
        return max(binding.answer_within for binding in bindings)


def collect_leading_facts(
    rules: Iterable[Rule], facts_reaching: Callable[[str], Facts | None]
) -> Iterator[Facts]:
    """Return facts that rules test for, or that lead to a stage: a few for each stage.

    `facts_reaching` returns facts that a rule decides, by the rule's id.
    """
    count_by_result: Counter[str] = Counter()
    for rule in rules:
        has_ask = any(action.type is ActionType.ASK for action in rule.actions)
        result = f"{rule.stage} {has_ask}"
        if (rule.stage or has_ask) and count_by_result[result] < MAX_LEADING_FACTS:
            facts = facts_reaching(rule.id)
            if facts is not None:
                count_by_result[result] += 1
                yield facts


def build_event(facts: Facts, document: Document) -> Event:
    """Return an event from which these facts are derived, without regard to stages.

    Return None if no event has them.
    """
    language = facts.get("message.language")
    kind = facts["event.type"]
    reply: dict[str, Any] = {}
    if kind == EventType.REPLIED and facts.get("answer") != AnswerChoice.UNCLEAR:
        reply["answer"] = {"choice": facts.get("answer")}
    elif kind == EventType.REPLIED:
        unclear = (text for text in _UNCLEAR_REPLIES if find_choice(document.phrases, text) is None)
        reply["message"] = {"text": next(unclear)}
    elif kind == EventType.STARTED:
        reply["message"] = {"text": "Hello"}
    elif kind == EventType.EXPIRED and not facts.get("question.open"):
        reply["question"] = {"id": "another-question"}
    message = reply.get("message")
    contact = _build_contact(facts)
    if language is not None:
        (contact if message is None else message)["language"] = language
    attributes = {
        n.removeprefix(_ATTRIBUTE_PREFIX): v
        for n, v in facts.items()
        if n.startswith(_ATTRIBUTE_PREFIX)
    }
    event: dict[str, Any] = {
        "id": "",
        "type": kind,
        "occurred_at": "",
        "workspace": {"id": EXAMPLE_WORKSPACE, "plan": facts["workspace.plan"]},
        "conversation": _build_conversation(facts),
        "contact": contact,
        **reply,
        **({"attributes": attributes} if attributes else {}),
    }
    return cast("Event", event)


def _set_language(event: Event, language: str) -> Event:
    """Return the event with a language tag for its message, or for its contact."""
    member: Literal["message", "contact"] = "message" if "message" in event else "contact"
    return cast("Event", {**event, member: {**event[member], "language": language}})


def _build_conversation(facts: Facts) -> dict[str, Any]:
    values = {
        "direction": facts.get("conversation.direction"),
        "channel": facts["conversation.channel"],
        "assigned": facts["conversation.assigned"],
    }
    defaults = {"direction": None, "channel": DEFAULT_CHANNEL, "assigned": False}
    return {"id": "", **{n: value for n, value in values.items() if value != defaults[n]}}


def _build_contact(facts: Facts) -> dict[str, Any]:
    contact = {"id": "ct-1", "kind": facts["contact.kind"]}
    if facts["contact.identity"] != "none":
        contact["identity"] = facts["contact.identity"]
    if facts["contact.reachable"]:
        contact["email"] = "someone@example.com"
    return contact


def _facts_of_every_type() -> Iterator[Facts]:
    """Yield the base facts with every type of event and every answer."""
    for kind in EventType:
        if kind is EventType.REPLIED:
            yield from (
                {**BASE_FACTS, "event.type": kind.value, "answer": answer.value}
                for answer in AnswerChoice
            )
        else:
            yield {**BASE_FACTS, "event.type": kind.value, "question.open": True}
