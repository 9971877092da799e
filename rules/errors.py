"""The errors of the language.

RulesError
├── InvalidDocumentError  a rule document with complaints
└── InvalidEventError     an event with complaints
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, order=True)
class Complaint:
    """One fault of a document or an event.

    `pointer` is a JSON pointer (RFC 6901) to the place and `code` is stable. `message` is for
    people and has no personal data. `line` counts from 1 in a YAML text and is None elsewhere.
    """

    pointer: str
    code: str
    message: str
    line: int | None = None


class RulesError(Exception):
    """A refusal by the language; `complaints` lists all faults in the order of the text."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(f"{c.pointer or '/'}: {c.message}" for c in complaints))
        self.complaints = tuple(complaints)


class InvalidDocumentError(RulesError):
    """A rule document that is not accepted."""


class InvalidEventError(RulesError):
    """An event that is not accepted."""


def json_pointer(*tokens: str | int) -> str:
    """Return the JSON pointer (RFC 6901) with these reference tokens."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in tokens)
