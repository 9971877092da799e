"""The exceptions of `audit`. No error of sqlite3 leaves this package.

AuditError
├── BadLeafError                 a leaf that is not of format 1, or contradicts its personal part
├── BrokenHistoryError           version entries that cannot follow one another
├── AlreadyDecidedError          the event has its decision already
├── BusyError                    too many writes are waiting; nothing of this one was stored
├── StorageUnavailableError      the disk refused; nothing of this work was stored
├── MissingDocumentError         the ledger lacks a document, guardrails or a directory it names
├── PersonalDataErasedError      personal data that was erased after the snapshot was opened
├── LedgerBehindError            the database lacks signed entries: nothing is written to it
├── NoSigningKeyError            the key that signs is missing or cannot be read
├── NotSignedError               a log failed its check: no checkpoint of it is signed
├── DecodingError                text or bytes that are not an encoded value
├── ProofRangeError              a tree has no proof for this index or size
├── MissingLeavesError           leaves that a tree needs are not stored
├── DecryptionError              personal data that does not open with its key
├── CannotOpenError
│   ├── NotALedgerError          there is no ledger here, or it is a file of another program
│   ├── UnknownFormatError       written by a newer release than this one
│   └── LedgerExistsError        asked to create a ledger in a folder that has one
├── EvidenceError                a key, note, checkpoint or proof that is not to be trusted
│   ├── BadKeyError              a text that is not a verifier key, or keys that look equal
│   ├── BadNoteError             bytes that are not a signed note
│   ├── BadSignatureError        a known key did not make the signature that bears its name
│   ├── UnknownSignerError       none of the known keys signed
│   ├── BadCheckpointError       the text of a note that is not a checkpoint
│   ├── WrongOriginError         a checkpoint of another log
│   ├── BadProofError            bytes that are not a proof
│   └── NotIncludedError         the leaf is not at the proof's index, or not in this tree
├── BadBundleError               a file of a bundle with other content than belongs there
├── WorkerStoppedError           a worker process ended before its work did
├── NotExportedError             a log that contradicts its checkpoint, so no bundle is made
└── ErasedAfterCheckpointError   a bundle with personal data needs a newer checkpoint
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class AuditErrorCode(StrEnum):
    """The stable codes of the exceptions of `audit`."""

    AUDIT_ERROR = "audit_error"
    BAD_LEAF = "bad_leaf"
    BROKEN_HISTORY = "broken_history"
    ALREADY_THERE = "already_there"
    BUSY = "busy"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    MISSING_DOCUMENT = "missing_document"
    ERASED_MEANWHILE = "erased_meanwhile"
    LEDGER_BEHIND = "ledger_behind"
    NO_SIGNING_KEY = "no_signing_key"
    NOT_SIGNED = "not_signed"
    NOT_DECODABLE = "not_decodable"
    PROOF_RANGE = "proof_range"
    MISSING_LEAVES = "missing_leaves"
    NOT_DECRYPTED = "not_decrypted"
    CANNOT_OPEN = "cannot_open"
    NOT_A_LEDGER = "not_a_ledger"
    UNKNOWN_FORMAT = "unknown_format"
    LEDGER_EXISTS = "ledger_exists"
    REFUSED = "refused"
    BAD_KEY = "bad_key"
    BAD_NOTE = "bad_note"
    BAD_SIGNATURE = "bad_signature"
    UNKNOWN_SIGNER = "unknown_signer"
    BAD_CHECKPOINT = "bad_checkpoint"
    WRONG_ORIGIN = "wrong_origin"
    BAD_PROOF = "bad_proof"
    NOT_INCLUDED = "not_included"
    BAD_BUNDLE = "bad_bundle"
    UNFINISHED = "unfinished"
    NOT_EXPORTED = "not_exported"
    BEHIND = "behind"


class AuditError(Exception):
    """The root of the exceptions that `audit` raises; `code` is stable."""

    code: ClassVar[AuditErrorCode] = AuditErrorCode.AUDIT_ERROR


class BadLeafError(AuditError):
    """A leaf that is not of format 1, or contradicts its personal part."""

    code = AuditErrorCode.BAD_LEAF


class BrokenHistoryError(AuditError):
    """Version entries that cannot follow one another."""

    code = AuditErrorCode.BROKEN_HISTORY


class AlreadyDecidedError(AuditError):
    """An event that has its decision already."""

    code = AuditErrorCode.ALREADY_THERE


class BusyError(AuditError):
    """A refused write, because too many writes are waiting."""

    code = AuditErrorCode.BUSY


class StorageUnavailableError(AuditError):
    """A refusal of the disk, in plain words; a retry later may help."""

    code = AuditErrorCode.STORAGE_UNAVAILABLE


class MissingDocumentError(AuditError):
    """A document, guardrails or a directory that the ledger names and lacks: it is damaged."""

    code = AuditErrorCode.MISSING_DOCUMENT


class PersonalDataErasedError(AuditError):
    """Personal data that was erased after the snapshot was opened."""

    code = AuditErrorCode.ERASED_MEANWHILE


class LedgerBehindError(AuditError):
    """A description of the logs that lack signed entries."""

    code = AuditErrorCode.LEDGER_BEHIND


class NoSigningKeyError(AuditError):
    """A signing key that is missing or cannot be read."""

    code = AuditErrorCode.NO_SIGNING_KEY


class NotSignedError(AuditError):
    """A log that failed its check, so that no checkpoint of it is signed."""

    code = AuditErrorCode.NOT_SIGNED


class DecodingError(AuditError, ValueError):
    """Text or bytes that are not an encoded value."""

    code = AuditErrorCode.NOT_DECODABLE


class ProofRangeError(AuditError):
    """An index or size for which a tree has no proof."""

    code = AuditErrorCode.PROOF_RANGE


class MissingLeavesError(AuditError):
    """Leaves that a tree needs and that are not stored."""

    code = AuditErrorCode.MISSING_LEAVES


class CannotOpenError(AuditError):
    """A ledger that cannot be opened or created."""

    code = AuditErrorCode.CANNOT_OPEN


class NotALedgerError(CannotOpenError):
    """A folder without a ledger, or a file of another program."""

    code = AuditErrorCode.NOT_A_LEDGER


class UnknownFormatError(CannotOpenError):
    """A ledger that a newer release wrote."""

    code = AuditErrorCode.UNKNOWN_FORMAT


class LedgerExistsError(CannotOpenError):
    """A folder that has a ledger already."""

    code = AuditErrorCode.LEDGER_EXISTS
