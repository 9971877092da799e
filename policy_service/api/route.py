"""Route rows: everything that serves and describes one call of the API.

Each resource has its rows next to its schemas, views and examples. The pipeline reads a row to
check a request and to answer it; `openapi.py` reads it to describe the call.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from inspect import getdoc
from typing import TYPE_CHECKING, Any

from policy_service.access.permissions import ROLES
from policy_service.problems import PROBLEMS, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from policy_service.access.keys import Role
    from policy_service.access.permissions import Permission
    from policy_service.api.requests import Body
    from policy_service.api.responses import Content, Reply
    from policy_service.api.schemas.base import QuerySchema


WORKSPACE = "/v1/workspaces/<workspace>"
EVENT_SCHEMA: Mapping[str, Any] = {"$ref": "#/components/schemas/Event"}
SIGNING_PROBLEMS = (
    ProblemCode.LEDGER_BEHIND,
    ProblemCode.NOT_SIGNED,
    ProblemCode.NO_SIGNING_KEY,
)

_PROBLEMS_WITH_KEY = (
    ProblemCode.UNAUTHORIZED,
    ProblemCode.TOO_MANY_REQUESTS,
    ProblemCode.ROLE_NOT_ALLOWED,
    ProblemCode.INVALID_REQUEST,
    ProblemCode.STORAGE_UNAVAILABLE,
)
_PROBLEMS_WITH_BODY = (
    ProblemCode.INVALID_JSON,
    ProblemCode.INVALID_REQUEST,
    ProblemCode.TOO_LARGE,
    ProblemCode.BUSY,
    ProblemCode.STORAGE_UNAVAILABLE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One call of the API.

    The view gets the services and the caller, then by name the parts of the path, and `query`,
    `body` and `media` if the row has a query, a body and an alternative answer. If the row has no
    permission, the view gets the services only, and no key is needed.
    """

    method: str
    path: str
    view: Callable[..., Reply]
    permission: Permission | None
    response: Content
    alternative: Content | None = None
    """The same answer in another media type, for a client that prefers it."""
    query: QuerySchema | None = None
    body: Body | None = None
    problems: tuple[ProblemCode, ...] = ()
    """The codes of this call, without those that every call of its kind may answer."""
    names_system: bool = False
    """The path may name the log `system` in place of a workspace."""
    checks_key: bool = False
    """The view checks the key again in its transaction, so a cached key is enough before it."""

    @property
    def endpoint(self) -> str:
        """The name of the call for the web framework."""
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> str:
        """The name of the call for clients."""
        return self.view.__name__

    @property
    def summary(self) -> str:
        """The first paragraph of the view's docstring."""
        return " ".join((getdoc(self.view) or "").partition("\n\n")[0].split())

    @property
    def description(self) -> str:
        """The other paragraphs of the view's docstring."""
        return " ".join((getdoc(self.view) or "").partition("\n\n")[2].split())

    @property
    def resource(self) -> str:
        """The name of the module that the row is in."""
        return self.view.__module__.rpartition(".")[2]

    @property
    def roles(self) -> frozenset[Role]:
        """The roles that may make the call; empty if no key is needed."""
        return ROLES[self.permission] if self.permission else frozenset()

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it."""
        return template(self.path)

    @property
    def parts(self) -> list[str]:
        """The names of the parts of the path."""
        return re.findall(r"{(\w+)}", self.template)

    @property
    def contents(self) -> list[Content]:
        """The good answers, in each media type."""
        return [self.response, *([self.alternative] if self.alternative else [])]

    @property
    def refusals(self) -> list[ProblemCode]:
        """The code of every problem that the call may answer, in the order of `PROBLEMS`."""
        codes = {ProblemCode.INTERNAL_ERROR, *self.problems}
        if self.permission:
            codes.update(_PROBLEMS_WITH_KEY)
        if self.parts:
            codes.add(ProblemCode.NOT_FOUND)
        if self.body:
            codes.update(_PROBLEMS_WITH_BODY)
        if ProblemCode.BUSY in codes:
            codes.add(ProblemCode.LEDGER_BEHIND)
        return [code for code in PROBLEMS if code in codes]


@cache
def template(path: str) -> str:
    """Return the path as OpenAPI writes it: the parts by name only."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", path)
