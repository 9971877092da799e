"""What the service refuses, as problem details (RFC 9457).

`PROBLEMS` is the one table from a stable code to its status and title. An exception of another
package becomes one of these by `of`, at the edge: `api/errors.py`, a batch, the command line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.errors import Busy, LedgerBehind, NoSigningKey, NotSigned, StorageUnavailable
from rules.errors import DocumentRefused, EventRefused
from rules.formats.strict_json import NotIJson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rules.errors import Complaint


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status, and a title that is the same at every occurrence."""

    status: int
    title: str


PROBLEMS: dict[str, Kind] = {
    "invalid_json": Kind(400, "The body is not I-JSON"),
    "invalid_event": Kind(400, "The event is not valid"),
    "invalid_request": Kind(400, "The request is not valid"),
    "unauthorized": Kind(401, "A valid key is needed"),
    "role_not_allowed": Kind(403, "The key's role may not do this"),
    "proposer_may_not_approve": Kind(403, "Another key must approve"),
    "setter_may_not_release": Kind(403, "Another key must release"),
    "not_found": Kind(404, "There is no such thing for this key"),
    "method_not_allowed": Kind(405, "This cannot be done here"),
    "event_id_reused": Kind(409, "The event's id was used for another event"),
    "already_approved": Kind(409, "The key has approved this before"),
    "digest_mismatch": Kind(409, "The digest is not that of the version"),
    "action_settled": Kind(409, "Nothing more is believed of the action"),
    "percent_shrinks": Kind(409, "A share of the conversations only grows"),
    "wrong_status": Kind(409, "The version's status does not allow this"),
    "under_hold": Kind(409, "A hold keeps what was to be erased"),
    "hold_released": Kind(409, "The hold was released before"),
    "last_owner_key": Kind(409, "The last key that may make keys stays"),
    "too_large": Kind(413, "The body is too large"),
    "invalid_document": Kind(422, "The rule document is not valid"),
    "too_many_requests": Kind(429, "The key makes too many requests"),
    "internal_error": Kind(500, "Something went wrong here"),
    "busy": Kind(503, "Too many requests are waiting"),
    "storage_unavailable": Kind(503, "The ledger cannot be written"),
    "ledger_behind": Kind(503, "The ledger lacks what was signed and may only be read"),
    "not_signed": Kind(503, "A log is not what it says it is"),
    "no_signing_key": Kind(503, "The signing key is missing"),
}
"""Every code a response may carry, in the order of its status."""

RETRY_AFTER = 1
"""Seconds after which what was refused for now may be tried again, where nothing says more."""
FOR_NOW = frozenset({429, 503})
"""The statuses that promise a later try."""


class Problem(Exception):  # noqa: N818 - the standard's word
    """Something refused; `code` is a key of `PROBLEMS`, `detail` says what of this occurrence.

    `retry_after` is in seconds, for what is refused for now.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        complaints: Sequence[Complaint] = (),
        retry_after: int = RETRY_AFTER,
    ) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.code = code
        self.detail = detail
        self.complaints = tuple(complaints)

    @property
    def status(self) -> int:
        return PROBLEMS[self.code].status

    def as_json(self) -> dict[str, Any]:
        """The problem object; `errors` only where there are complaints."""
        kind = PROBLEMS[self.code]
        problem: dict[str, Any] = {
            "type": "about:blank",
            "title": kind.title,
            "status": kind.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.complaints:
            problem["errors"] = [complaint_as_json(complaint) for complaint in self.complaints]
        return problem


def of(error: Exception) -> Problem | None:
    """The problem that an error of ours is to the one who asked; None for any other error."""
    match error:
        case Problem():
            return error
        case EventRefused():
            return Problem("invalid_event", "The event was refused", error.complaints)
        case DocumentRefused() if any(c.code == "document_too_large" for c in error.complaints):
            return Problem("too_large", str(error), error.complaints)
        case DocumentRefused():
            return Problem("invalid_document", "The document was refused", error.complaints)
        case NotIJson():
            return Problem("invalid_json", str(error), [error.complaint])
        case Busy():
            return Problem("busy", "Too many writes are waiting; nothing was written")
        case LedgerBehind():
            words = f"{error}; until `policy-service restore` accepts that, nothing is written"
            return Problem("ledger_behind", words)
        case NotSigned() | NoSigningKey():
            return Problem(error.code, f"{error}; nothing was signed")
        case StorageUnavailable():
            return Problem("storage_unavailable", f"{error}; nothing was written")
    return None


def complaint_as_json(complaint: Complaint) -> dict[str, Any]:
    """The complaint with the members SPEC names, and `line` where there is one."""
    shown: dict[str, Any] = {
        "pointer": complaint.pointer,
        "message": complaint.message,
        "code": complaint.code,
    }
    if complaint.line is not None:
        shown["line"] = complaint.line
    return shown
