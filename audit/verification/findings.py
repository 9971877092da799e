"""The findings of the verifier, and the meaning of each code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class FindingCode(StrEnum):
    """The stable codes of findings."""

    ANOTHER_LOG = "another_log"
    GAP = "gap"
    LEAF_HASH = "leaf_hash"
    BAD_LEAF = "bad_leaf"
    COMMITMENT = "commitment"
    ERASURE = "erasure"
    EVENT_TWICE = "event_twice"
    DECISION_TWICE = "decision_twice"
    ACTION_ID = "action_id"
    ACTION_STATUS = "action_status"
    DOCUMENT = "document"
    VERSION_HISTORY = "version_history"
    APPROVAL = "approval"
    POLICY = "policy"
    STAGE = "stage"
    ASKS = "asks"
    INCOMPLETE = "incomplete"
    SIZE = "size"
    ROOT = "root"
    FRONTIER = "frontier"
    CHECKPOINT = "checkpoint"
    SIGNATURE = "signature"
    BUNDLE = "bundle"


FINDING_MEANINGS = MappingProxyType(
    {
        FindingCode.ANOTHER_LOG: "an entry that belongs to another log",
        FindingCode.GAP: "an entry whose index is not the next",
        FindingCode.LEAF_HASH: "a leaf that is not what its leaf hash was made of",
        FindingCode.BAD_LEAF: "a leaf that is not canonical, or of an unknown format, kind or time",
        FindingCode.COMMITMENT: "a personal part that is not what the leaf commits to, or is"
        " missing and no erasure names it",
        FindingCode.ERASURE: "an erasure that names what is still there, or what is no earlier"
        " entry",
        FindingCode.EVENT_TWICE: "a second decision for one event",
        FindingCode.DECISION_TWICE: "a decision with the id of an earlier one",
        FindingCode.ACTION_ID: "an action whose id is not its decision's id, a dot and its place",
        FindingCode.ACTION_STATUS: "an entry about an action that was never asked for, or that was"
        " delivered or withdrawn before",
        FindingCode.DOCUMENT: "a version's document that is missing or has another digest",
        FindingCode.VERSION_HISTORY: "a version entry that cannot follow the ones before it",
        FindingCode.APPROVAL: "a version activated that not enough other keys than its"
        " author's approved",
        FindingCode.POLICY: "a decision by another version than was active or pinned",
        FindingCode.STAGE: "a decision from another stage than the one before it led to",
        FindingCode.ASKS: "a decision with another count of asks than there were",
        FindingCode.INCOMPLETE: "a leaf without a member of its kind, or with one of another type",
        FindingCode.SIZE: "a head that says another size than there are entries",
        FindingCode.ROOT: "a head with another root than the entries'",
        FindingCode.FRONTIER: "a head with another frontier than the entries'",
        FindingCode.CHECKPOINT: "a checkpoint of another log, or of other entries than there are",
        FindingCode.SIGNATURE: "a checkpoint that does not bear its key's signature",
        FindingCode.BUNDLE: "a file of a bundle that is missing, cut off or not what belongs in it",
    }
)


@dataclass(frozen=True, slots=True)
class LogFinding:
    """One contradiction in a log; `index` is None if it is about the log as a whole."""

    log: str
    index: int | None
    code: FindingCode
    message: str


@dataclass(frozen=True, slots=True)
class LogReport:
    """A recomputed log: the size and root of the entries, and the findings."""

    log: str
    size: int
    root: bytes
    findings: tuple[LogFinding, ...]


def escape_control(text: str) -> str:
    """Return the text on one line, with every character that a terminal would obey escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
