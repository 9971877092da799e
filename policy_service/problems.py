"""Refusals of the service, as problem details (RFC 9457).

`PROBLEMS` is the one table from a stable code to its status and title. `to_problem` translates an
exception of another package at the edge: in `api/errors.py`, in a batch, at the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from audit.errors import (
    AuditError,
    BusyError,
    LedgerBehindError,
    NoSigningKeyError,
    NotSignedError,
    StorageUnavailableError,
)
from rules.errors import InvalidDocumentError, InvalidEventError
from rules.formats.strict_json import StrictJsonError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.errors import Complaint


class ProblemCode(StrEnum):
    """A stable code that a client may rely on."""

    INVALID_JSON = "invalid_json"
    INVALID_EVENT = "invalid_event"
    INVALID_REQUEST = "invalid_request"
    UNAUTHORIZED = "unauthorized"
    ROLE_NOT_ALLOWED = "role_not_allowed"
    PROPOSER_MAY_NOT_APPROVE = "proposer_may_not_approve"
    SETTER_MAY_NOT_RELEASE = "setter_may_not_release"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    EVENT_ID_REUSED = "event_id_reused"
    ALREADY_APPROVED = "already_approved"
    ALREADY_ACTIVE = "already_active"
    PROPOSAL_OPEN = "proposal_open"
    DIGEST_MISMATCH = "digest_mismatch"
    ACTION_SETTLED = "action_settled"
    PERCENT_SHRINKS = "percent_shrinks"
    WRONG_STATUS = "wrong_status"
    UNDER_HOLD = "under_hold"
    HOLD_RELEASED = "hold_released"
    LAST_OWNER_KEY = "last_owner_key"
    TOO_LARGE = "too_large"
    INVALID_DOCUMENT = "invalid_document"
    TOO_MANY_REQUESTS = "too_many_requests"
    INTERNAL_ERROR = "internal_error"
    BUSY = "busy"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    LEDGER_BEHIND = "ledger_behind"
    NOT_SIGNED = "not_signed"
    NO_SIGNING_KEY = "no_signing_key"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """The HTTP status of a code, and a title that is the same at every occurrence."""

    status: int
    title: str


PROBLEMS: dict[ProblemCode, ProblemType] = {
    ProblemCode.INVALID_JSON: ProblemType(400, "The body is not I-JSON"),
    ProblemCode.INVALID_EVENT: ProblemType(400, "The event is not valid"),
    ProblemCode.INVALID_REQUEST: ProblemType(400, "The request is not valid"),
    ProblemCode.UNAUTHORIZED: ProblemType(401, "A valid key is needed"),
    ProblemCode.ROLE_NOT_ALLOWED: ProblemType(403, "The key's role may not do this"),
    ProblemCode.PROPOSER_MAY_NOT_APPROVE: ProblemType(403, "Another key must approve"),
    ProblemCode.SETTER_MAY_NOT_RELEASE: ProblemType(403, "Another key must release"),
    ProblemCode.NOT_FOUND: ProblemType(404, "Not found, or this key may not see it"),
    ProblemCode.METHOD_NOT_ALLOWED: ProblemType(405, "This cannot be done here"),
    ProblemCode.EVENT_ID_REUSED: ProblemType(409, "The event's id was used for another event"),
    ProblemCode.ALREADY_APPROVED: ProblemType(409, "The key has approved this before"),
    ProblemCode.ALREADY_ACTIVE: ProblemType(409, "The document is active already"),
    ProblemCode.PROPOSAL_OPEN: ProblemType(409, "Another proposal is open"),
    ProblemCode.DIGEST_MISMATCH: ProblemType(409, "The digest is not that of the version"),
    ProblemCode.ACTION_SETTLED: ProblemType(409, "The action already has a final status"),
    ProblemCode.PERCENT_SHRINKS: ProblemType(409, "A rollout percentage cannot be reduced"),
    ProblemCode.WRONG_STATUS: ProblemType(409, "The version's status does not allow this"),
    ProblemCode.UNDER_HOLD: ProblemType(409, "A hold prevents the erasure"),
    ProblemCode.HOLD_RELEASED: ProblemType(409, "The hold was released before"),
    ProblemCode.LAST_OWNER_KEY: ProblemType(409, "The last owner key cannot be revoked"),
    ProblemCode.TOO_LARGE: ProblemType(413, "The body is too large"),
    ProblemCode.INVALID_DOCUMENT: ProblemType(422, "The rule document is not valid"),
    ProblemCode.TOO_MANY_REQUESTS: ProblemType(429, "The key makes too many requests"),
    ProblemCode.INTERNAL_ERROR: ProblemType(500, "The service failed"),
    ProblemCode.BUSY: ProblemType(503, "Too many requests are waiting"),
    ProblemCode.STORAGE_UNAVAILABLE: ProblemType(503, "The ledger cannot be written"),
    ProblemCode.LEDGER_BEHIND: ProblemType(503, "The ledger lacks signed entries and is read-only"),
    ProblemCode.NOT_SIGNED: ProblemType(503, "A log failed verification"),
    ProblemCode.NO_SIGNING_KEY: ProblemType(503, "The signing key is missing"),
}
"""Every code a response may carry, in the order of its status."""

DEFAULT_RETRY_AFTER = 1
"""Seconds until a retry, if no other time is known."""
RETRY_STATUSES = frozenset({429, 503})
"""The statuses that allow a retry."""


class ProblemError(Exception):
    """A refusal; `code` is stable, `detail` describes this occurrence.

    `retry_after` is in seconds, if a later try may succeed.
    """

    def __init__(
        self,
        code: ProblemCode,
        detail: str,
        complaints: Sequence[Complaint] = (),
        retry_after: int = DEFAULT_RETRY_AFTER,
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.code = code
        self.detail = detail
        self.complaints = tuple(complaints)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return PROBLEMS[self.code].status

    def as_json(self) -> dict[str, Any]:
        """Return the problem object; it has `errors` only if there are complaints."""
        kind = PROBLEMS[self.code]
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": kind.title,
            "status": kind.status,
            "code": self.code.value,
            "detail": self.detail,
        }
        if self.complaints:
            problem["errors"] = [complaint_as_json(complaint) for complaint in self.complaints]
        return problem


def to_problem(error: Exception) -> ProblemError | None:
    """Return the problem for an error of this project; None for any other error."""
    match error:
        case ProblemError():
            return error
        case AuditError():
            return _ledger_problem(error)
        case InvalidEventError():
            detail = "The event was refused"
            return ProblemError(ProblemCode.INVALID_EVENT, detail, error.complaints)
        case InvalidDocumentError() if any(
            c.code == "document_too_large" for c in error.complaints
        ):
            return ProblemError(ProblemCode.TOO_LARGE, str(error), error.complaints)
        case InvalidDocumentError():
            detail = "The document was refused"
            return ProblemError(ProblemCode.INVALID_DOCUMENT, detail, error.complaints)
        case StrictJsonError():
            return ProblemError(ProblemCode.INVALID_JSON, str(error), [error.complaint])
    return None


def _ledger_problem(error: AuditError) -> ProblemError | None:
    match error:
        case BusyError():
            return ProblemError(
                ProblemCode.BUSY, "Too many writes are waiting; nothing was written"
            )
        case LedgerBehindError():
            detail = f"{error}; until `policy-service restore` accepts that, nothing is written"
            return ProblemError(ProblemCode.LEDGER_BEHIND, detail)
        case NotSignedError():
            return ProblemError(ProblemCode.NOT_SIGNED, f"{error}; nothing was signed")
        case NoSigningKeyError():
            return ProblemError(ProblemCode.NO_SIGNING_KEY, f"{error}; nothing was signed")
        case StorageUnavailableError():
            return ProblemError(ProblemCode.STORAGE_UNAVAILABLE, f"{error}; nothing was written")
    return None


def complaint_as_json(complaint: Complaint) -> dict[str, Any]:
    """Return the complaint with the members that clients expect, and `line` if it has one."""
    view: dict[str, Any] = {
        "pointer": complaint.pointer,
        "message": complaint.message,
        "code": complaint.code,
    }
    if complaint.line is not None:
        view["line"] = complaint.line
    return view
