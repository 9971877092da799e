"""The OpenAPI 3.1 document of the API, generated from the rows that serve it.

apispec turns the marshmallow schemas of the rows into JSON Schema. Pydantic checks the event, so
the schema of the event comes from pydantic. The document describes nothing that no row uses.
"""

from __future__ import annotations

from importlib.metadata import version
from itertools import groupby
from typing import TYPE_CHECKING, Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import fields as marshmallow_fields

from policy_service.api.media import PROBLEM_JSON
from policy_service.api.parameters import PARTS, WORKSPACE_OR_SYSTEM
from policy_service.api.route import EVENT_SCHEMA
from policy_service.api.schemas.common import ProblemSchema
from policy_service.api.schemas.field_types import EventField, Variants
from policy_service.problems import PROBLEMS, ProblemCode, ProblemError
from rules.errors import Complaint
from rules.model.event import EVENT_ADAPTER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marshmallow import Schema

    from policy_service.api.media import SchemaSource
    from policy_service.api.responses import Content
    from policy_service.api.route import Route
    from policy_service.api.schemas.base import StrictSchema

Json = dict[str, Any]

REF = "#/components/schemas/{model}"
SUFFIX = "Schema"
SERVICE_TAG = "service"
"""The tag of calls that need no key: they are about the service itself."""
CODES_WITH_ERRORS = frozenset(
    {
        ProblemCode.INVALID_JSON,
        ProblemCode.INVALID_EVENT,
        ProblemCode.INVALID_REQUEST,
        ProblemCode.INVALID_DOCUMENT,
    }
)
_DESCRIPTION = (
    "Send every event of a conversation, get the decision on it; a ledger records every decision."
    " Send a key as `Authorization: Bearer <key>`; its role determines the calls that it may make."
    " Refusals are problem details (RFC 9457) with a stable `code`. Unknown members and parameters"
    " are refused. Every response has the header `X-Request-Id`: the id that the client sent, or a"
    " new one."
)


class _Converter(OpenAPIConverter):
    """A converter that also knows docstrings, conditions, enums, variants and events."""

    def schema2jsonschema(self, schema: Any) -> Json:  # noqa: ANN401 - as overridden
        """Return the JSON Schema of a schema, with its docstring and its conditions."""
        made: Json = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]  # apispec's
        kind = _class(schema)
        made["description"] = _docstring(kind)
        return {**made, **kind.json_schema}

    def metadata2properties(self, field: Any, **options: Any) -> Json:  # noqa: ANN401 - as overridden
        """Return the properties that metadata states, without the example of a parameter."""
        made: Json = super().metadata2properties(field, **options)
        made.pop("example", None)
        return made

    def enum2properties(self, field: Any, **_: Any) -> Json:  # noqa: ANN401 - as overridden
        """Return a reference to the enum, which becomes a component of its own."""
        if not isinstance(field, marshmallow_fields.Enum):
            return {}
        name = field.enum.__name__
        if name not in self.spec.components.schemas:
            words = [word.value for word in field.enum]
            self.spec.components.schema(
                name, {"type": "string", "enum": words, "description": _docstring(field.enum)}
            )
        return {"$ref": REF.format(model=name)}

    def nested2properties(self, field: Any, ret: Json) -> Json:  # noqa: ANN401 - as overridden
        """Return references: to a nested schema, to variants, or to the event."""
        if isinstance(field, Variants):
            resolve: Any = self.resolve_nested_schema
            return {"anyOf": [resolve(each) for each in field.variants]}
        if isinstance(field, EventField):
            return dict(EVENT_SCHEMA)
        made: Json = super().nested2properties(field, ret)
        return made

    def field2nullable(self, field: Any, ret: Json) -> Json:  # noqa: ANN401 - as overridden
        """Return the properties of a field that may be null."""
        if field.allow_none and isinstance(field, Variants):
            return {"anyOf": [*ret["anyOf"], {"type": "null"}]}
        made: Json = super().field2nullable(field, ret)
        return made


class _Plugin(MarshmallowPlugin):
    """apispec's plugin for marshmallow, with the converter of this module."""

    Converter = _Converter


class _Generator:
    """A generator of the operations of one document."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        plugin = _Plugin(schema_name_resolver=_name)
        self._spec = APISpec(
            title="policy-service",
            version=version("policy-service"),
            openapi_version="3.1.0",
            info={"description": _DESCRIPTION},
            servers=[{"url": "/"}],
            tags=[{"name": tag} for tag in dict.fromkeys(map(_tag, routes))],
            plugins=[plugin],
        )
        self._converter: Any = plugin.converter
        for name, schema in _event_schemas().items():
            self._spec.components.schema(name, schema)
        self._spec.components.security_scheme(
            "key", {"type": "http", "scheme": "bearer", "description": "A key of a role."}
        )

    def generate(self) -> Json:
        """Return the document."""
        self._problem = self._schema(ProblemSchema)
        for route in self._routes:
            operation = self._operation(route)
            self._spec.path(route.template, operations={route.method.lower(): operation})
        document: Json = self._spec.to_dict()
        schemas = document["components"]["schemas"]
        document["components"]["schemas"] = dict(sorted(schemas.items()))
        return document

    def _schema(self, source: SchemaSource) -> Json:
        """Return JSON Schema for a source of it: a reference, or one of several references."""
        if isinstance(source, type):
            made: Json = self._converter.resolve_nested_schema(source)
            return made
        if isinstance(source, tuple):
            return {"anyOf": [self._schema(each) for each in source]}
        return dict(source)  # type: ignore[arg-type]  # JSON Schema: a sequence is a tuple here

    def _operation(self, route: Route) -> Json:
        roles = ", ".join(sorted(route.roles))
        access = f"A key of one of the roles: {roles}." if roles else "No key is needed."
        operation: Json = {
            "operationId": route.operation,
            "tags": [_tag(route)],
            "summary": route.summary,
            "description": f"{route.description} {access}".strip(),
            "security": [{"key": [role.value]} for role in sorted(route.roles)],
            "parameters": self._parameters(route),
            "responses": {**self._answers(route), **self._refusals(route)},
        }
        if route.body:
            operation["requestBody"] = self._body(route)
        return operation

    def _parameters(self, route: Route) -> list[Json]:
        parts: Mapping[str, marshmallow_fields.Field[Any]] = PARTS
        if route.names_system:
            parts = {**PARTS, "workspace": WORKSPACE_OR_SYSTEM}
        made = [self._parameter(name, "path", parts[name]) for name in route.parts]
        fields: Mapping[str, Any] = route.query.declared_fields if route.query else {}
        for name, field in fields.items():
            made.append(self._parameter(field.data_key or name, "query", field))
        return made

    def _parameter(self, name: str, place: str, field: marshmallow_fields.Field[Any]) -> Json:
        schema = self._converter.field2property(field)
        return {
            "name": name,
            "in": place,
            "required": place == "path" or field.required,
            "description": schema.pop("description"),
            "schema": schema,
            "example": field.metadata["example"],
        }

    def _body(self, route: Route) -> Json:
        """Return the body; a client may leave it out if an empty object would be accepted."""
        body = route.body
        if body is None:
            return {}
        schema = body.schema
        needed = not isinstance(schema, type) or _has_required_field(schema)
        content: Json = {"schema": self._schema(schema)}
        if len(body.examples) == 1:
            [content["example"]] = body.examples.values()
        else:
            content["examples"] = {name: {"value": each} for name, each in body.examples.items()}
        return {"required": needed, "content": {body.media: content}}

    def _answers(self, route: Route) -> Json:
        statuses = (route.response.status, *route.response.other_statuses)
        answer: Json = {"description": route.summary, "content": {}}
        for content in route.contents:
            schema = self._schema(content.schema)
            answer["content"][content.media] = {"schema": schema, "example": content.example}
            if headers := self._headers(content):
                answer["headers"] = headers
        return {str(status): answer for status in sorted(statuses)}

    def _headers(self, content: Content) -> Json:
        made = {}
        for name, field in content.headers.items():
            schema = self._converter.field2property(field)
            made[name] = {
                "description": schema.pop("description"),
                "schema": schema,
                "example": field.metadata["example"],
            }
        return made

    def _refusals(self, route: Route) -> Json:
        """Return a response for each status, with an example of each of its codes."""
        by_status = groupby(route.refusals, key=lambda code: PROBLEMS[code].status)
        return {str(status): self._refusal(status, list(codes)) for status, codes in by_status}

    def _refusal(self, status: int, codes: list[ProblemCode]) -> Json:
        examples = {code.value: {"value": _example(code)} for code in codes}
        made: Json = {
            "description": "; ".join(PROBLEMS[code].title for code in codes) + ".",
            "content": {PROBLEM_JSON: {"schema": self._problem, "examples": examples}},
        }
        if status in _HEADERS:
            made["headers"] = _HEADERS[status]
        return made


def describe(routes: Sequence[Route]) -> Json:
    """Return the OpenAPI document of the rows."""
    return _Generator(routes).generate()


def _name(schema: type[Schema] | Schema) -> str:
    """Return the name of a component: the name of the class without its suffix."""
    return _class(schema).__name__.removesuffix(SUFFIX)


def _class(schema: Any) -> type[StrictSchema]:  # noqa: ANN401 - a schema or its class
    return schema if isinstance(schema, type) else type(schema)


def _docstring(kind: type) -> str:
    """Return the docstring of a class itself, on one line."""
    return " ".join(str(vars(kind).get("__doc__") or "").split())


def _tag(route: Route) -> str:
    return route.resource if route.permission else SERVICE_TAG


def _has_required_field(schema: type[Schema]) -> bool:
    fields: Mapping[str, Any] = schema._declared_fields  # noqa: SLF001 - as apispec reads it
    return any(field.required for field in fields.values())


def _event_schemas() -> Json:
    """Return the schema of the event and of its parts; an optional member may be null."""
    event = EVENT_ADAPTER.json_schema(ref_template=REF)
    schemas: Json = {**event.pop("$defs"), "Event": event}
    for schema in schemas.values():
        schema.pop("title", None)
        required = schema.get("required", ())
        for name, member in schema.get("properties", {}).items():
            member.pop("title", None)
            if name not in required:
                schema["properties"][name] = _nullable(member)
    return schemas


def _nullable(member: Json) -> Json:
    if "$ref" in member:
        about = {name: member[name] for name in ("description",) if name in member}
        return {"anyOf": [{"$ref": member["$ref"]}, {"type": "null"}], **about}
    made = {**member, "type": [member["type"], "null"]}
    return {**made, "enum": [*made["enum"], None]} if "enum" in made else made


def _required_header(name: str, description: str, type_: str) -> Json:
    return {name: {"description": description, "required": True, "schema": {"type": type_}}}


_RETRY = _required_header("Retry-After", "Seconds to wait.", "integer")
_HEADERS = {
    401: _required_header("WWW-Authenticate", "The scheme.", "string"),
    429: _RETRY,
    503: _RETRY,
}


def _example(code: ProblemCode) -> Json:
    complaints = []
    if code in CODES_WITH_ERRORS:
        complaints = [Complaint("/id", "missing_field", "Field required")]
    return ProblemError(code, PROBLEMS[code].title, complaints).as_json()
