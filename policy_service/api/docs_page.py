"""The description of the service: for programs, and as a page for people.

The page loads nothing, from nowhere, and runs no script: its policy allows its own style alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cached_property
from http import HTTPStatus
from itertools import groupby
from typing import TYPE_CHECKING, Any

from flask import Response, current_app, render_template
from markupsafe import Markup

from policy_service.api.responses import answer
from policy_service.problems import PROBLEMS, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from policy_service.services import Services

    Json = dict[str, Any]

DESCRIPTION = "policy_service.description"
"""Where the application keeps its `Description`."""
WORDS = {
    "date-time": "time (RFC 3339)",
    "printable": "printable text",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "null": "null",
}
"""What a type is called on the page."""
EXAMPLE = ProblemCode.INVALID_EVENT


class Description:
    """The description of an application's calls, made once, when it is first asked for."""

    def __init__(self, make: Callable[[], Json]) -> None:
        self._make = make

    @cached_property
    def openapi(self) -> Json:
        return self._make()

    @cached_property
    def style(self) -> str:
        with current_app.open_resource("templates/docs.css", "r", "utf-8") as file:
            return str(file.read())

    @cached_property
    def page(self) -> str:
        return _page(self.openapi, self.style)


def openapi(_: Services) -> Response:
    """The description of every call (OpenAPI 3.1), this one among them."""
    return answer(_description().openapi)


def docs(_: Services) -> Response:
    """The same description, as a page to read."""
    described = _description()
    shown = Response(described.page, mimetype="text/html")
    digest = base64.b64encode(hashlib.sha256(described.style.encode()).digest()).decode()
    shown.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )
    return shown


def redirect_to_docs() -> Response:
    """Return a redirect to the page, for people who open the address of the service."""
    return Response(status=HTTPStatus.FOUND, headers={"Location": "/docs"})


def _description() -> Description:
    described: Description = current_app.extensions[DESCRIPTION]
    return described


def _page(described: Json, style: str) -> str:
    calls = sorted(_calls(described), key=lambda call: _tags(described).index(call["tags"][0]))
    return render_template(
        "docs.html",
        **described,
        css=Markup(style),  # noqa: S704 - our own file
        tags_of_calls=[(tag, list(of)) for tag, of in groupby(calls, lambda c: c["tags"][0])],
        problems=PROBLEMS,
        refusal=_refusal(described),
        words=WORDS,
        pretty=_pretty,
        marked=_marked,
    )


def _tags(described: Json) -> list[str]:
    return [tag["name"] for tag in described["tags"]]


def _calls(described: Json) -> Iterator[Json]:
    """Every call with its method and path, and its answers told apart."""
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"].items()
            yield {
                **operation,
                "method": method,
                "path": path,
                "short": path.removeprefix("/v1").removeprefix("/workspaces/{workspace}"),
                "good": [(status, each) for status, each in answers if status < "400"],
                "refused": [(status, each) for status, each in answers if status >= "400"],
            }


def _refusal(described: Json) -> Any:  # noqa: ANN401 - any JSON value
    refused = described["paths"]["/v1/decisions"]["post"]["responses"]["400"]
    return refused["content"]["application/problem+json"]["examples"][EXAMPLE]["value"]


def _marked(text: str) -> Markup:
    """The text with what stands between backticks as code."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if number % 2 else part for number, part in parts)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
