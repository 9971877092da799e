"""Strict kinds of marshmallow fields, and validators whose errors read `code: message`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import Schema, ValidationError, fields, validate

from rules.errors import InvalidEventError
from rules.formats.strict_json import MAX_SAFE_INTEGER, remove_nulls
from rules.formats.timestamps import parse_timestamp
from rules.model.event import parse_event
from rules.model.workspace import SYSTEM_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

TIME_EXPECTED = "an RFC 3339 time with an offset, such as 2026-11-22T10:00:00Z"


class StrictField(fields.Field[Any]):
    """A value of the given Python types, taken as it is; true and false are not numbers."""

    types: tuple[type, ...] = (object,)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(value, self.types):
            raise self.make_error("invalid")
        return value


class Flag(StrictField, fields.Boolean):
    """True or false."""

    types = (bool,)


class Object(StrictField, fields.Dict):
    """A JSON object of any members."""

    types = (dict,)


class BoundedList(fields.List[Any]):
    """A list whose length is checked before its items are: a long list has one complaint."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> list[Any]:  # noqa: ANN401 - marshmallow's
        if isinstance(value, list):
            self._validate(value)
        return super()._deserialize(value, *args, **kwargs)


class ObjectOrText(StrictField):
    """A rule document: a JSON object, or YAML in a text."""

    types = (dict, str)


class Moment(fields.String):
    """An RFC 3339 time with an offset; its value is a datetime in UTC."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - marshmallow's
        return _moment(super()._deserialize(value, *args, **kwargs))


class MomentText(fields.String):
    """A time in a query; a `+` that the query turned into a blank is a `+` again."""

    def _deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - marshmallow's
        text = super()._deserialize(value, *args, **kwargs).replace(" ", "+")
        _moment(text)
        return text


def _moment(text: str) -> datetime:
    try:
        return parse_timestamp(text)
    except ValueError:
        raise ValidationError(f"invalid_time: Send {TIME_EXPECTED}") from None


class NumberText(fields.Integer):
    """A whole number in a query, written in digits."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:  # noqa: ANN401 - marshmallow's
        digits = isinstance(value, str) and value.isascii() and value.isdigit()
        if not digits or len(value) > len(str(MAX_SAFE_INTEGER)):
            raise self.make_error("invalid")
        return int(value)


class Variants(fields.Field[Any]):
    """An object of one of several schemas; only answers have such members."""

    def __init__(self, variants: Sequence[type[Schema]], **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.variants = tuple(variants)


class EventField(fields.Field[Any]):
    """An event, checked as one that is to be decided; in it, null means absent."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - any JSON value
        try:
            return parse_event(remove_nulls(value))
        except InvalidEventError as error:
            complaints: list[Any] = list(error.complaints)
            raise ValidationError(complaints) from None


class Pattern(validate.Validator):
    """A pattern that the whole text must match; apispec reads `regex`."""

    def __init__(self, pattern: str) -> None:
        self.regex = re.compile(pattern)

    def __call__(self, value: str) -> str:
        """Return the text; raise ValidationError if it does not match."""
        if not self.regex.fullmatch(value):
            raise ValidationError(f"not_allowed: Send a text that matches {self.regex.pattern}")
        return value


def check_printable(text: str) -> None:
    """Raise ValidationError if the text has a control character or another separator."""
    if not text.isprintable():
        raise ValidationError("not_printable: Use printable characters only")


def check_not_system(workspace: str) -> None:
    """Raise ValidationError if the text is the name of the log `system`."""
    if workspace == SYSTEM_LOG:
        raise ValidationError("reserved_workspace: `system` is not a workspace; name another one")
