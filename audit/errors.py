"""What can go wrong in the memory. Nothing of sqlite3 ever leaves this package.

AuditError
├── BadLeaf                a leaf that is not of format 1, or contradicts what stands beside it
├── BrokenHistory          version entries that cannot follow one another
├── AlreadyThere           the event has its decision already
├── Busy                   too many writes are waiting; nothing of this one was stored
├── StorageUnavailable     the disk would not have it; nothing of this work was stored
├── ErasedMeanwhile        a personal part that was erased after the snapshot was opened
├── LedgerBehind           the database lacks what was signed: nothing is written to it
├── NoSigningKey           the key that signs is missing or is none
├── NotSigned              a log is not what it says it is: nothing of it is signed
└── CannotOpen
    ├── NotALedger         there is no ledger here, or it is a file of something else
    ├── UnknownFormat      written by a newer release than this one
    └── LedgerExists       asked to create where there is one
"""

# ruff: noqa: N818 - each is named in the words a person would use for it

from __future__ import annotations


class AuditError(Exception):
    """Of this family is everything that the memory raises; `code` is stable."""

    code = "audit_error"


class BadLeaf(AuditError):
    code = "bad_leaf"


class BrokenHistory(AuditError):
    code = "broken_history"


class AlreadyThere(AuditError):
    code = "already_there"


class Busy(AuditError):
    code = "busy"


class StorageUnavailable(AuditError):
    """Says in plain words what the disk refused; trying again later may help."""

    code = "storage_unavailable"


class ErasedMeanwhile(AuditError):
    code = "erased_meanwhile"


class LedgerBehind(AuditError):
    """Says which logs lack what, each a `Lost` of `audit/stores/rollback_detection.py` in words."""

    code = "ledger_behind"


class NoSigningKey(AuditError):
    code = "no_signing_key"


class NotSigned(AuditError):
    code = "not_signed"


class CannotOpen(AuditError):
    code = "cannot_open"


class NotALedger(CannotOpen):
    code = "not_a_ledger"


class UnknownFormat(CannotOpen):
    code = "unknown_format"


class LedgerExists(CannotOpen):
    code = "ledger_exists"
