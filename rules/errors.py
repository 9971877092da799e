"""What the language refuses, and how it says so.

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
    """One thing wrong.

    `pointer` is a JSON pointer (RFC 6901) to where, `code` stable, `message` for people and without
    personal data, `line` the line (from 1) in a YAML text, None where there is none.
    """

    pointer: str
    code: str
    message: str
    line: int | None = None


class RulesError(Exception):
    """Refused by the language; `complaints` says all that is wrong, in the order of the text."""

    def __init__(self, complaints: Sequence[Complaint]) -> None:
        super().__init__("; ".join(f"{c.pointer or '/'}: {c.message}" for c in complaints))
        self.complaints = tuple(complaints)


class InvalidDocumentError(RulesError):
    """A rule document that is not accepted."""


class InvalidEventError(RulesError):
    """An event that is not accepted."""


def json_pointer(*tokens: str | int) -> str:
    """The JSON pointer (RFC 6901) with these reference tokens."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in tokens)
