"""The OpenAPI description of the service, and the check of answers against it.

`Api.send` checks every answer of the API tests.
"""

from __future__ import annotations

import json
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012
from werkzeug.exceptions import HTTPException

from policy_service.api.openapi import describe
from policy_service.api.routes import ROUTES
from rules.errors import json_pointer

if TYPE_CHECKING:
    from flask import Flask
    from werkzeug.test import TestResponse

    from policy_service.api.route import Route

JSON = ("application/json", "application/problem+json")
HERE = "urn:description"
BY_ENDPOINT = {route.endpoint: route for route in ROUTES}


@cache
def description() -> Any:
    """Return the description as JSON."""
    return json.loads(json.dumps(describe(ROUTES)))


@cache
def validator(*parts: str | int) -> Draft202012Validator:
    """Return the validator of the schema at this place of the description."""
    whole = Resource.from_contents(description(), default_specification=DRAFT202012)
    registry = Registry().with_resource(HERE, whole)
    return Draft202012Validator({"$ref": f"{HERE}#{json_pointer(*parts)}"}, registry=registry)


def call_place(route: Route, *parts: str | int) -> tuple[str | int, ...]:
    """Return a place in the description of a call."""
    return ("paths", route.template, route.method.lower(), *parts)


def description_at(*parts: str | int) -> Any:
    """Return the value at this place of the description."""
    node = description()
    for part in parts:
        node = node[part]
    return node


def schema_errors(value: Any, *parts: str | int) -> list[str]:
    """Return the errors of a value by the schema at this place."""
    return [f"{error.json_path}: {error.message}" for error in validator(*parts).iter_errors(value)]


def find_deviations(app: Flask, response: TestResponse, sent: bytes | str | None) -> list[str]:
    """Return the ways in which an answer differs from the description; none for unknown calls.

    `sent` is the body of the request: the description must allow it if it was accepted.
    """
    requested = response.request
    try:
        endpoint, _ = app.url_map.bind_to_environ(requested.environ).match()
    except HTTPException:
        return []
    route = BY_ENDPOINT.get(endpoint)
    if route is None or requested.method != route.method:
        return []
    responses = description_at(*call_place(route, "responses"))
    status = str(response.status_code)
    if status not in responses:
        return [f"{endpoint} answers {status}, which is not described: {response.text[:300]}"]
    media = response.mimetype
    if media not in responses[status]["content"]:
        return [f"{endpoint} answers {status} as {media}, which is not described"]
    missing = set(responses[status].get("headers", ())) - set(response.headers.keys())
    node = [
        f"{endpoint}: no {name}"
        for name in missing
        if response.status_code >= HTTPStatus.BAD_REQUEST
    ]
    if media in JSON:
        place = call_place(route, "responses", status, "content", media, "schema")
        node += schema_errors(json.loads(response.data), *place)
    if response.status_code < HTTPStatus.BAD_REQUEST and sent and takes_json(route):
        node += schema_errors(
            json.loads(sent), *call_place(route, "requestBody", "content", JSON[0], "schema")
        )
    return node


def takes_json(route: Route) -> bool:
    return route.body is not None and route.body.is_json
