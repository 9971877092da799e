"""The documentation of the API: OpenAPI for programs, and a page for people.

The page loads nothing and runs no script: its policy allows only its own style.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shlex
from functools import cached_property
from importlib import resources
from itertools import groupby
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from policy_service.api.media import HTML, JSON, TEXT_SCHEMA
from policy_service.api.responses import Content, Reply
from policy_service.api.route import Route
from policy_service.problems import PROBLEMS, ProblemCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policy_service.services import Services

    Json = dict[str, Any]

DOCS = "/docs"
OPENAPI = "/openapi.json"
TYPE_NAMES = {
    "date-time": "time (RFC 3339)",
    "printable": "printable text",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "object",
    "array": "list",
    "null": "null",
}
"""The name of each JSON type on the page."""
EXAMPLE_ADDRESS = "http://127.0.0.1:8000"


class Documentation:
    """The documentation of all rows; a process generates it once, for the first request."""

    def __init__(self, rows: Sequence[Route]) -> None:
        self.routes = (*rows, *self._own_routes())

    def _own_routes(self) -> tuple[Route, Route]:
        def get_openapi(_: Services) -> Reply:
            """Get the OpenAPI document."""
            return Reply(self.openapi)

        def get_docs(_: Services) -> Reply:
            """Get this page."""
            return Reply(self.page, {"Content-Security-Policy": self._policy})

        return (
            Route(
                "GET",
                OPENAPI,
                get_openapi,
                None,
                Content({"type": "object"}, {"openapi": "3.1.0"}),
            ),
            Route(
                "GET",
                DOCS,
                get_docs,
                None,
                Content(TEXT_SCHEMA, "<!doctype html>", content_type=f"{HTML}; charset=utf-8"),
            ),
        )

    @cached_property
    def openapi(self) -> Json:
        """The OpenAPI document."""
        from policy_service.api.openapi import describe  # noqa: PLC0415 - only readers pay for it

        return describe(self.routes)

    @cached_property
    def page(self) -> str:
        """The page."""
        return _page(self.openapi, self._style)

    @cached_property
    def _style(self) -> str:
        file = resources.files("policy_service").joinpath("templates/docs.css")
        return file.read_text("utf-8")

    @cached_property
    def _policy(self) -> str:
        digest = base64.b64encode(hashlib.sha256(self._style.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )


def _page(openapi: Json, style: str) -> str:
    environment = Environment(
        loader=PackageLoader("policy_service"), autoescape=select_autoescape(), auto_reload=False
    )
    calls = _calls(openapi)
    return environment.get_template("docs.html").render(
        **openapi,
        css=Markup(style),  # noqa: S704 - our own file
        tags_of_calls=[(tag, list(of)) for tag, of in groupby(calls, lambda c: c["tags"][0])],
        problems=PROBLEMS,
        refusal=_refusal(openapi),
        words=TYPE_NAMES,
        pretty=_pretty,
        marked=_marked,
    )


def _calls(openapi: Json) -> list[Json]:
    """Return every call with its method, its path and a command, in the order of the tags."""
    tags = [tag["name"] for tag in openapi["tags"]]
    return sorted(_unsorted_calls(openapi), key=lambda call: tags.index(call["tags"][0]))


def _unsorted_calls(openapi: Json) -> Iterator[Json]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            responses = operation["responses"].items()
            yield {
                **operation,
                "method": method,
                "path": path,
                "curl": _curl(method, path, operation),
                "bodies": list(_bodies(operation)),
                "good": [(status, each) for status, each in responses if status < "400"],
                "refused": [(status, each) for status, each in responses if status >= "400"],
            }


def _bodies(operation: Json) -> Iterator[Json]:
    """Yield the body of each media type, with its examples by name."""
    for media, body in operation.get("requestBody", {}).get("content", {}).items():
        examples = {name: each["value"] for name, each in body.get("examples", {}).items()}
        yield {
            "media": media,
            "schema": body["schema"],
            "examples": examples or {"": body["example"]},
        }


def _curl(method: str, path: str, operation: Json) -> str:
    """Return a shell command that makes the call with its examples."""
    examples = {each["name"]: each["example"] for each in operation["parameters"]}
    needed = [
        f"{each['name']}={each['example']}"
        for each in operation["parameters"]
        if each["in"] == "query" and each["required"]
    ]
    query = f"?{'&'.join(needed)}" if needed else ""
    address = shlex.quote(f"{EXAMPLE_ADDRESS}{path.format(**examples)}{query}")
    lines = [f"curl {address}" if method == "get" else f"curl -X {method.upper()} {address}"]
    if operation["security"]:
        lines.append('-H "Authorization: Bearer $KEY"')
    for body in _bodies(operation):
        example = next(iter(body["examples"].values()))
        lines.append(f"-H 'Content-Type: {body['media']}'")
        if body["media"] == JSON:
            lines.append(f"-d {shlex.quote(json.dumps(example, ensure_ascii=False))}")
        else:
            lines.append(f"--data-binary {shlex.quote(example)}")
    return " \\\n  ".join(lines)


def _refusal(openapi: Json) -> Any:  # noqa: ANN401 - any JSON value
    refused = openapi["paths"]["/v1/decisions"]["post"]["responses"]["400"]
    examples = refused["content"]["application/problem+json"]["examples"]
    return examples[ProblemCode.INVALID_EVENT]["value"]


def _marked(text: str) -> Markup:
    """Return the text with code for each part between backticks."""
    code = Markup("<code>{}</code>")
    parts = enumerate(text.split("`"))
    return Markup("").join(code.format(part) if number % 2 else part for number, part in parts)


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
