"""A key for recorded decisions that must have equal results when they are decided again.

Decisions differ in their ids, times and sample buckets, but rarely in a fact that a rule tests. The
result for one decision therefore holds for all with an equal key. The key is cut out of the raw
JSON without parsing it. A leaf that does not match the expected layout byte for byte gets no key.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from rules.formats.timestamps import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from audit.stores.contract import RawEntry

EquivalenceKey: TypeAlias = tuple[bytes | timedelta | None, ...]

_TEXT = rb'"[ !#-\[\]-~]*"'  # ASCII without what JSON escapes
_COMMITMENT = re.compile(rb',"commitment":"[A-Za-z0-9+/]{43}="')
_COMMITMENT_SIZE = 60
_MIDDLE = re.compile(rb'(?:"id":%b,)?("language":%b,)?"occurred_at":(%b),' % (_TEXT, _TEXT, _TEXT))
_QUESTION = re.compile(
    rb'(\{"digest":%b\}),"question":%b(?:,"question_expires_at":%b)?(,"stage":[^}]*\})'
    % (_TEXT, _TEXT, _TEXT)
)
_PLACEHOLDER = b"\0"  # never occurs in JSON


def equivalence_key(raw_entry: RawEntry, *, bucket: bool) -> EquivalenceKey | None:
    """Return the key that equivalent decisions share; None if the leaf has none.

    One leaf of each key must have been read. `bucket` is True if the sample bucket may affect the
    decision.
    """
    head, _, rest = raw_entry.rest.partition(b',"facts":')
    facts, _, rest = rest.partition(b',"format":1,')
    middle, _, tail = rest.partition(b'"policy":')
    actions = head[:-_COMMITMENT_SIZE]
    middle_match = _MIDDLE.fullmatch(middle)
    if middle_match is None or not _COMMITMENT.fullmatch(head, len(actions)):
        return None
    language, time_to_deadline = None, None
    if actions != b'{"actions":[]':
        if raw_entry.id is None:
            return None
        if b'"expires_at":' in actions:
            split = _split_deadline(actions, middle_match[2][1:-1])
            if split is None:
                return None
            actions, time_to_deadline = split
        actions = actions.replace(b'"id":"' + raw_entry.id + b".", _PLACEHOLDER)
        language = middle_match[1]
    if not bucket:
        facts = _without_bucket(facts)
    if b'"question":' in tail:
        question = _QUESTION.fullmatch(tail)
        if question is None:
            return None
        tail = question[1] + question[2]
    return (actions, facts, language, time_to_deadline, tail, *raw_entry[5:8])


def _split_deadline(actions: bytes, occurred_at: bytes) -> tuple[bytes, timedelta] | None:
    """Return the actions without their deadline, and its distance from the event's time.

    The deadline is cut out only if it is written as the service writes it.
    """
    head, name, rest = actions.partition(b'"expires_at":"')
    timestamp, quote, rest = rest.partition(b'"')
    if name in rest:
        return None
    try:
        deadline = parse_timestamp(timestamp.decode("ascii"))
        if format_timestamp(deadline) != timestamp.decode("ascii"):
            return None
        return head + name + quote + rest, deadline - parse_timestamp(occurred_at.decode("ascii"))
    except (ValueError, OverflowError):
        return None


def _without_bucket(facts: bytes) -> bytes:
    """Return the facts without the sample bucket, if it is a number."""
    head, name, rest = facts.partition(b',"sample.bucket":')
    number, comma, rest = rest.partition(b",")
    if number.isdigit() and (number[0] != ord("0") or len(number) == 1):
        return head + name + comma + rest
    return facts
