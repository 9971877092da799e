"""What the verifier can find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Code(StrEnum):
    ANOTHER_LOG = "another_log"
    GAP = "gap"
    LEAF_HASH = "leaf_hash"
    BAD_LEAF = "bad_leaf"
    COMMITMENT = "commitment"
    ERASURE = "erasure"
    EVENT_TWICE = "event_twice"
    DECISION_TWICE = "decision_twice"
    ACTION_ID = "action_id"
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


MEANINGS = MappingProxyType(
    {
        Code.ANOTHER_LOG: "an entry that belongs to another log",
        Code.GAP: "an entry whose index is not the next",
        Code.LEAF_HASH: "a leaf that is not what its leaf hash was made of",
        Code.BAD_LEAF: "a leaf that is not canonical, or of an unknown format, kind or time",
        Code.COMMITMENT: "a personal part that is not what the leaf commits to, or is missing and"
        " no erasure names it",
        Code.ERASURE: "an erasure that names what is still there, or what is no earlier entry",
        Code.EVENT_TWICE: "a second decision for one event",
        Code.DECISION_TWICE: "a decision with the id of an earlier one",
        Code.ACTION_ID: "an action whose id is not its decision's id, a dot and its place",
        Code.DOCUMENT: "a version's document that is missing or has another digest",
        Code.VERSION_HISTORY: "a version entry that cannot follow the ones before it",
        Code.APPROVAL: "a version activated that not enough other keys than its author's approved",
        Code.POLICY: "a decision by another version than was active or pinned",
        Code.STAGE: "a decision from another stage than the one before it led to",
        Code.ASKS: "a decision with another count of asks than there were",
        Code.INCOMPLETE: "a leaf without a member of its kind, or with one of another type",
        Code.SIZE: "a head that says another size than there are entries",
        Code.ROOT: "a head with another root than the entries'",
        Code.FRONTIER: "a head with another frontier than the entries'",
        Code.CHECKPOINT: "a checkpoint of another log, or of other entries than there are",
        Code.SIGNATURE: "a checkpoint that does not bear its key's signature",
        Code.BUNDLE: "a file of a bundle that is missing, cut off or not what belongs in it",
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not fit; `index` is None where it is about the log as a whole."""

    log: str
    index: int | None
    code: Code
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """A log as it was recomputed: size and root of what is there, and what does not fit."""

    log: str
    size: int
    root: bytes
    findings: tuple[Finding, ...]
