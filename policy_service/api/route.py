"""What a call is: one row of the table in `routes.py`, from which it is served and described."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

from policy_service.access.keys import Role
from policy_service.problems import PROBLEMS, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from flask import Response

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
TEXT = "text/plain"
EVERY_ROLE = frozenset(Role)
WORKSPACE = "/v1/workspaces/<workspace>"

_WITH_A_KEY = (
    ProblemCode.UNAUTHORIZED,
    ProblemCode.TOO_MANY_REQUESTS,
    ProblemCode.ROLE_NOT_ALLOWED,
    ProblemCode.INVALID_REQUEST,
    ProblemCode.STORAGE_UNAVAILABLE,
)
_WITH_A_BODY = (
    ProblemCode.INVALID_JSON,
    ProblemCode.INVALID_REQUEST,
    ProblemCode.TOO_LARGE,
    ProblemCode.BUSY,
    ProblemCode.STORAGE_UNAVAILABLE,
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of a path or a parameter of a query: its type, what it means, and one to show."""

    type: Any
    meaning: str
    example: str | int
    required: bool = False
    """A parameter of a query that has to be given; a part of a path always has."""


@dataclass(frozen=True, slots=True, eq=False)
class Takes:
    """A body: its shape as a TypedDict, or `str` for lines of text, and one to show."""

    shape: Any
    example: Any
    media: str = JSON
    null_is_absent: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Gives:
    """A good answer: its shape as a TypedDict, or `str` for a text, and one to show."""

    shape: Any
    example: Any
    status: int = 200
    media: str = JSON
    headers: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One call.

    `roles` is empty where no key is needed. `problems` are the codes of refusals beside those that
    every call of its kind can meet.
    """

    method: str
    path: str
    view: Callable[..., Response]
    roles: frozenset[Role]
    system: bool = False
    """The log `system` may be named in the place of a workspace."""
    query: Mapping[str, Parameter] = field(default_factory=dict)
    takes: Takes | None = None
    gives: Gives | None = None
    or_gives: Gives | None = None
    """The same in another media type, to a client that accepts it."""
    problems: tuple[ProblemCode, ...] = ()

    @property
    def endpoint(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def template(self) -> str:
        return template(self.path)

    @property
    def parts(self) -> list[str]:
        """The names of the parts of its path."""
        return re.findall(r"{(\w+)}", self.template)

    @property
    def refusals(self) -> list[ProblemCode]:
        """The codes of every problem that it may answer, in the order of `PROBLEMS`."""
        met = {ProblemCode.INTERNAL_ERROR, *self.problems}
        if self.roles:
            met.update(_WITH_A_KEY)
        if self.parts:
            met.add(ProblemCode.NOT_FOUND)
        if self.takes:
            met.update(_WITH_A_BODY)
        if ProblemCode.BUSY in met:
            met.add(ProblemCode.LEDGER_BEHIND)
        return [code for code in PROBLEMS if code in met]


@cache
def template(path: str) -> str:
    """The path as OpenAPI writes it: its parts by name alone."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
