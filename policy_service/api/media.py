"""Media types of requests and answers, and the schemas of their contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marshmallow import Schema

    SchemaSource = type[Schema] | Sequence[type[Schema]] | Mapping[str, Any]
    """A schema, several of which one fits, or JSON Schema."""

JSON = "application/json"
PROBLEM_JSON = "application/problem+json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
HTML = "text/html"
TEXT = "text/plain"
TEXT_SCHEMA: Mapping[str, Any] = {"type": "string"}
