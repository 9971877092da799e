"""The description of the service (OpenAPI 3.1), made of what it is served from.

Paths, roles, parameters, bodies and answers come from the table of routes, refusals from the table
of problems, schemas from the types that validate. Nothing is described here that is not used there.
"""

from __future__ import annotations

from importlib.metadata import version
from inspect import getdoc
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from policy_service.api.errors import MEDIA_TYPE
from policy_service.api.parameters import LOG, PARTS
from policy_service.api.route import JSON
from policy_service.api.schemas.common import Problem as ProblemShape
from policy_service.problems import PROBLEMS, ProblemCode, ProblemError
from rules.errors import Complaint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from policy_service.api.route import Gives, Parameter, Route, Takes

Json = dict[str, Any]

REF = "#/components/schemas/{model}"
WITH_ERRORS = frozenset(
    {
        ProblemCode.INVALID_JSON,
        ProblemCode.INVALID_EVENT,
        ProblemCode.INVALID_REQUEST,
        ProblemCode.INVALID_DOCUMENT,
    }
)
SERVICE = "service"
"""The tag of calls that need no key: they are about the service itself."""
_ABOUT = (
    "Every conversation event in, what to do out, every decision in a ledger. Send a key as"
    " `Authorization: Bearer <key>`; its role says what it may do. Refusals are problem details"
    " (RFC 9457) with a stable `code`. Unknown members and parameters are refused. Every answer"
    " carries `X-Request-Id`, the one that was sent or a new one."
)


class _Schemas(GenerateJsonSchema):
    """Schemas without the titles that only repeat a member's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 - as overridden
        return False


def describe(routes: Sequence[Route]) -> Json:
    """The OpenAPI document of these routes; one that says nothing of its answer is described so."""
    schemas, components = _schemas(routes)
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.template, {})[route.method.lower()] = _operation(
            route, schemas, components
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "policy-service",
            "version": version("policy-service"),
            "description": _ABOUT,
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": name} for name in sorted(dict.fromkeys(map(_tag, routes)), key=SERVICE.__eq__)
        ],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of a role."}
            },
        },
    }


def _schemas(routes: Iterable[Route]) -> tuple[dict[int, Json], Json]:
    """The schema of every shape, by the shape's `id`, and the components they refer to.

    In the body that takes null as absent, every member that may be absent may be null.
    """
    nullable = [r.takes.shape for r in routes if r.takes and r.takes.null_is_absent]
    shapes = [ProblemShape]
    for route in routes:
        shapes += [route.takes.shape] if route.takes else []
        shapes += [gives.shape for gives in _good(route)]
    of_shape, components = _generated(shapes)
    for name in _generated(nullable)[1]:
        _allow_null(components[name])
    return of_shape, components


def _generated(shapes: Iterable[Any]) -> tuple[dict[int, Json], Json]:
    adapters = {id(shape): _adapter(shape) for shape in shapes}
    inputs = [(key, "validation", adapter) for key, adapter in adapters.items()]
    made, whole = TypeAdapter.json_schemas(
        inputs,  # type: ignore[arg-type]  # the mode is one of its literals
        ref_template=REF,
        schema_generator=_Schemas,
    )
    of_shape = {key: schema for (key, _), schema in made.items()}
    return of_shape, whole.get("$defs", {})


def _adapter(shape: Any) -> TypeAdapter[Any]:  # noqa: ANN401 - a type, or its adapter
    return shape if isinstance(shape, TypeAdapter) else TypeAdapter(shape)


def _allow_null(schema: Json) -> None:
    required = schema.get("required", ())
    for name, member in schema.get("properties", {}).items():
        if name not in required:
            schema["properties"][name] = {"anyOf": [member, {"type": "null"}]}


def _operation(route: Route, schemas: dict[int, Json], components: Json) -> Json:
    summary, _, more = (getdoc(route.view) or "").partition("\n\n")
    who = ", ".join(sorted(route.roles))
    roles = f"A key of one of the roles: {who}." if route.roles else "No key is needed."
    operation: Json = {
        "operationId": f"{_module(route)}_{getattr(route.view, '__name__', 'view')}",
        "tags": [_tag(route)],
        "summary": " ".join(summary.split()),
        "description": " ".join(f"{more} {roles}".split()),
        "security": [{"key": [role.value]} for role in sorted(route.roles)],
        "parameters": _parameters(route),
        "responses": {**_answers(route, schemas), **_refusals(route)},
    }
    if route.takes:
        operation["requestBody"] = _body(route.takes, schemas[id(route.takes.shape)], components)
    return operation


def _good(route: Route) -> list[Gives]:
    return [gives for gives in (route.gives, route.or_gives) if gives]


def _tag(route: Route) -> str:
    """What the call is about."""
    return _module(route) if route.roles else SERVICE


def _module(route: Route) -> str:
    return route.view.__module__.rpartition(".")[2]


def _parameters(route: Route) -> list[Json]:
    parts = {**PARTS, "workspace": LOG} if route.system else PARTS
    in_path = [_parameter(name, "path", parts[name]) for name in route.parts]
    return in_path + [_parameter(name, "query", each) for name, each in route.query.items()]


def _parameter(name: str, place: str, parameter: Parameter) -> Json:
    return {
        "name": name,
        "in": place,
        "required": place == "path" or parameter.required,
        "description": parameter.meaning,
        "schema": _inline(parameter.type),
        "example": parameter.example,
    }


def _inline(type_: Any) -> Json:  # noqa: ANN401 - any type
    schema = TypeAdapter(type_).json_schema(schema_generator=_Schemas)
    return {name: each for name, each in schema.items() if name not in ("title", "description")}


def _body(takes: Takes, schema: Json, components: Json) -> Json:
    """The body, which may be left out where an empty object would do."""
    whole = components.get(schema.get("$ref", "").rpartition("/")[2], schema)
    return {
        "required": takes.media != JSON or bool(whole.get("required")),
        "content": {takes.media: {"schema": schema, "example": takes.example}},
    }


def _answers(route: Route, schemas: dict[int, Json]) -> Json:
    answers: Json = {}
    for gives in _good(route):
        answered = answers.setdefault(str(gives.status), {"description": "Good.", "content": {}})
        answered["content"][gives.media] = {
            "schema": schemas[id(gives.shape)],
            "example": gives.example,
        }
        if headers := _headers(gives):
            answered["headers"] = headers
    return answers


def _headers(gives: Gives) -> Json:
    return {
        name: {
            "description": each.meaning,
            "schema": _inline(each.type),
            "example": each.example,
        }
        for name, each in gives.headers.items()
    }


def _refusals(route: Route) -> Json:
    """A response for every status, with an example of each of its codes."""
    by_status = groupby(route.refusals, key=lambda code: PROBLEMS[code].status)
    return {str(status): _refusal(status, list(codes)) for status, codes in by_status}


def _refusal(status: int, codes: list[ProblemCode]) -> Json:
    known = {"status": {"const": status}, "code": {"enum": [code.value for code in codes]}}
    schema = {"allOf": [{"$ref": REF.format(model="Problem")}], "properties": known}
    examples = {code.value: {"value": _example(code)} for code in codes}
    content = {"schema": schema, "examples": examples}
    described: Json = {
        "description": "; ".join(PROBLEMS[code].title for code in codes) + ".",
        "content": {MEDIA_TYPE: content},
    }
    if status in _HEADERS:
        described["headers"] = _HEADERS[status]
    return described


def _always(name: str, description: str, type_: str) -> Json:
    return {name: {"description": description, "required": True, "schema": {"type": type_}}}


_RETRY = _always("Retry-After", "Seconds to wait.", "integer")
_HEADERS = {
    401: _always("WWW-Authenticate", "The scheme.", "string"),
    429: _RETRY,
    503: _RETRY,
}


def _example(code: ProblemCode) -> Json:
    complaints = []
    if code in WITH_ERRORS:
        complaints = [Complaint("/id", "missing_field", "Field required")]
    return ProblemError(code, PROBLEMS[code].title, complaints).as_json()
