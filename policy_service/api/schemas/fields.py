"""Strict marshmallow fields, one function for each kind of member.

A value is taken as it is or refused: no text becomes a number, no number becomes true. The error of
a field reads `code: message`; `schemas/base.py` turns errors into complaints with JSON pointers.
A member is required unless it is `optional`, and never null unless it is `nullable`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marshmallow import Schema, fields, validate

from policy_service.api.schemas.field_types import (
    TIME_EXPECTED,
    BoundedList,
    EventField,
    Flag,
    Moment,
    MomentText,
    NumberText,
    Object,
    ObjectOrText,
    Pattern,
    Variants,
    check_not_system,
    check_printable,
)
from rules.formats.strict_json import MAX_SAFE_INTEGER
from rules.model.workspace import SYSTEM_LOG, WORKSPACE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from enum import StrEnum

FOUND = "%(found)s"
"""The place in a message for the kind of value that was sent."""


def _options(expected: str, about: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a marshmallow field; `expected` names a good value in errors."""
    message = f"wrong_type: Send {expected}; found {FOUND}"
    shown = {"example": options.pop("example", None), "format": options.pop("format", None)}
    metadata = {name: value for name, value in shown.items() if value is not None}
    metadata.update(options.pop("json_schema", {}))
    if about:
        metadata["description"] = " ".join(about.split())
    return {
        "required": not options.pop("optional", False),
        "allow_none": options.pop("nullable", False),
        "metadata": metadata,
        "error_messages": {
            "required": f"missing_field: Send this member: {expected}",
            "null": message,
            "invalid": message,
            "type": message,
        },
        **options,
    }


def _lengths(least: int, most: int | None) -> list[validate.Length]:
    """Return a validator for each bound, because each has a code of its own."""
    bounds = []
    if least:
        message = f"too_short: Send at least {least:,} characters"
        bounds.append(validate.Length(min=least, error=message))
    if most is not None:
        bounds.append(
            validate.Length(max=most, error=f"too_long: Send at most {most:,} characters")
        )
    return bounds


def text(
    about: str = "",
    *,
    min_length: int = 0,
    max_length: int | None = None,
    pattern: str | None = None,
    printable: bool = False,
    **options: Any,  # noqa: ANN401 - the options that every field has
) -> fields.String:
    """Return a field for a text."""
    checks: list[Any] = list(_lengths(min_length, max_length))
    if pattern is not None:
        checks.append(Pattern(pattern))
    if printable:
        checks.append(check_printable)
        options["format"] = "printable"
    return fields.String(validate=checks, **_options("a text", about, options))


def word(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for a text of 1 to 200 characters."""
    return text(about, min_length=1, max_length=200, **options)


def long_id(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for a printable text of 1 to 200 characters."""
    return word(about, printable=True, **options)


def reason(**options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for the reason of a change by an administrator."""
    about = "Kept in the ledger for good: write no personal data."
    return text(about, min_length=1, max_length=500, **options)


def workspace(about: str = "", *, every: bool = False, **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for a workspace's id; with `every`, `*` stands for all workspaces."""
    inner = WORKSPACE_PATTERN.strip("^$")
    pattern = rf"^(\*|{inner})$" if every else WORKSPACE_PATTERN
    options["json_schema"] = {"not": {"const": SYSTEM_LOG}}
    field = text(about, pattern=pattern, **options)
    field.validators.append(check_not_system)
    return field


def number(
    about: str = "",
    *,
    least: int | None = None,
    most: int | None = None,
    **options: Any,  # noqa: ANN401
) -> fields.Integer:
    """Return a field for a whole number."""
    made = _options("a whole number", about, options)
    return fields.Integer(strict=True, validate=_range(least, most), **made)


def number_text(
    about: str,
    *,
    least: int = 0,
    most: int = MAX_SAFE_INTEGER,
    **options: Any,  # noqa: ANN401
) -> NumberText:
    """Return a field for a whole number in a query."""
    made = _options("a whole number", about, options)
    wrong = f"not_allowed: Send a whole number from {least} to {most}"
    made["error_messages"]["invalid"] = wrong
    return NumberText(validate=_range(least, most), **made)


def _range(least: int | None, most: int | None) -> list[validate.Range]:
    if least is None and most is None:
        return []
    bounds = [f"at least {least}"] if least is not None else []
    bounds += [f"at most {most}"] if most is not None else []
    return [validate.Range(least, most, error=f"not_allowed: Send {' and '.join(bounds)}")]


def flag(about: str = "", **options: Any) -> Flag:  # noqa: ANN401
    """Return a field for true or false."""
    return Flag(**_options("true or false", about, options))


def choice(kind: type[StrEnum], about: str = "", **options: Any) -> fields.Enum[Any]:  # noqa: ANN401
    """Return a field for a word of an enum; its value is the enum's member."""
    made = _options(f"one of {', '.join(kind)}", about, options)
    message = f"not_allowed: Send one of {', '.join(kind)}"
    made["error_messages"] |= {"unknown": message, "null": message}
    return fields.Enum(kind, by_value=True, **made)


def one_of(words: Sequence[str], about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for one of a few words."""
    listed = ", ".join(words)
    check = validate.OneOf(words, error=f"not_allowed: Send one of {listed}")
    return fields.String(validate=check, **_options(f"one of {listed}", about, options))


def time(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for a time in an answer."""
    return text(about, format="date-time", **options)


def received_time(about: str = "", **options: Any) -> Moment:  # noqa: ANN401
    """Return a field for a time in a request; its value is a datetime."""
    return Moment(**_options(TIME_EXPECTED, about, {"format": "date-time", **options}))


def time_text(about: str = "", **options: Any) -> MomentText:  # noqa: ANN401
    """Return a field for a time in a query; its value is the text."""
    return MomentText(**_options(TIME_EXPECTED, about, {"format": "date-time", **options}))


def digest(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for the digest of a document."""
    return text(about, pattern="^sha256:[0-9a-f]{64}$", **options)


def sha256(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for a SHA-256 hash in base64."""
    return text(about, pattern="^[A-Za-z0-9+/]{43}=$", **options)


def decision_id(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for the id of a decision."""
    return text(about, pattern="^dec-[a-z2-7]{26}$", **options)


def action_id(about: str = "", **options: Any) -> fields.String:  # noqa: ANN401
    """Return a field for the id of an action."""
    return text(about, pattern=r"^dec-[a-z2-7]{26}\.(0|[1-9][0-9]*)$", **options)


def cursor() -> fields.String:
    """Return the field of a page that leads to the next page."""
    return text("Send it as `after` for the next page; null on the last page.", nullable=True)


def nested(schema: type[Schema], about: str = "", **options: Any) -> fields.Nested:  # noqa: ANN401
    """Return a field for an object of a schema."""
    return fields.Nested(schema, **_options("an object", about, options))


def items(
    inner: fields.Field[Any],
    about: str = "",
    *,
    max_items: int | None = None,
    **options: Any,  # noqa: ANN401
) -> fields.List[Any]:
    """Return a field for a list."""
    wrong = f"wrong_type: Send at most {max_items} items"  # the code that long lists always had
    checks = [] if max_items is None else [validate.Length(max=max_items, error=wrong)]
    return BoundedList(inner, validate=checks, **_options("a list", about, options))


def list_of(schema: type[Schema], about: str = "", **options: Any) -> fields.List[Any]:  # noqa: ANN401
    """Return a field for a list of objects of a schema."""
    return items(nested(schema), about, **options)


def object_of(values: fields.Field[Any] | None, about: str = "", **options: Any) -> Object:  # noqa: ANN401
    """Return a field for an object with any names; None stands for any values."""
    return Object(values=values, **_options("an object", about, options))


def any_value(about: str = "", **options: Any) -> fields.Raw:  # noqa: ANN401
    """Return a field for any JSON value."""
    return fields.Raw(**_options("a value", about, {"nullable": True, **options}))


def fact(**options: Any) -> fields.Raw:  # noqa: ANN401
    """Return a field for the value of a fact: a text, a number, true or false."""
    options["json_schema"] = {"type": ["string", "number", "boolean"]}
    return fields.Raw(**_options("a text, a number, true or false", "", options))


def received_document(about: str = "", **options: Any) -> ObjectOrText:  # noqa: ANN401
    """Return a field for a rule document in a request."""
    about = about or "A rule document, format 1: as JSON, or as YAML in a text."
    kinds = ["object", "string", *(["null"] if options.get("nullable") else [])]
    options["json_schema"] = {"anyOf": [{"type": kind} for kind in kinds]}
    return ObjectOrText(**_options("an object, or YAML in a text", about, options))


def document() -> Object:
    """Return the field of an answer for a rule document."""
    return object_of(None, "A rule document, format 1, as it was proposed.")


def variants(schemas: Sequence[type[Schema]], about: str = "", **options: Any) -> Variants:  # noqa: ANN401
    """Return a field of an answer for an object of one of several schemas."""
    return Variants(schemas, **_options("an object", about, options))


def event(about: str = "") -> EventField:
    """Return a field for an event."""
    return EventField(**_options("an event", about, {}))
