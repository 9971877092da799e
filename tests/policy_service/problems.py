"""The form of a refusal, equal for all refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

from pydantic import ConfigDict, StringConstraints, TypeAdapter, with_config
from typing_extensions import TypedDict

from policy_service.problems import PROBLEMS, ProblemCode
from tests.policy_service.api_client import read

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

_STRICT = ConfigDict(extra="forbid", strict=True)
Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~]|~[01])*)?$")]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Words = Annotated[str, StringConstraints(min_length=1)]


@with_config(_STRICT)
class Error(TypedDict):
    pointer: Pointer
    message: Words
    code: Code
    line: NotRequired[int]


@with_config(_STRICT)
class ProblemDetails(TypedDict):
    type: Literal["about:blank"]
    title: Words
    status: int
    code: Code
    detail: Words
    errors: NotRequired[list[Error]]


SCHEMA = TypeAdapter(ProblemDetails)


def problem(response: TestResponse) -> ProblemDetails:
    """Return the problem; it must match the schema and the table of problems."""
    assert response.content_type == "application/problem+json"
    details = SCHEMA.validate_python(read(response))
    kind = PROBLEMS[ProblemCode(details["code"])]
    assert (details["title"], details["status"]) == (kind.title, kind.status)
    assert response.status_code == kind.status
    assert ("WWW-Authenticate" in response.headers) is (kind.status == 401)
    assert ("Retry-After" in response.headers) is (kind.status in {429, 503})
    return details


def code(response: TestResponse) -> tuple[int, str]:
    """Return status and code of a refusal."""
    details = problem(response)
    return details["status"], details["code"]


def errors(response: TestResponse) -> list[tuple[str, str]]:
    """Return pointer and code of every error of a refusal."""
    return [(error["pointer"], error["code"]) for error in problem(response)["errors"]]
