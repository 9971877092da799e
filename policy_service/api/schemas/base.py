"""Base classes of the marshmallow schemas: bodies, queries and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, post_load
from marshmallow.exceptions import SCHEMA

from policy_service.api.schemas import fields
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint, json_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from policy_service.api.schemas.field_types import NumberText

MAX_ITEMS = 500
DEFAULT_ITEMS = 100

_UNKNOWN = "unknown_field"
_NAMES = ((bool, "true or false"), (int | float, "a number"), (str, "a text"), (list, "a list"))


class StrictSchema(Schema):
    """An object that has the declared members and no others."""

    class Meta:
        unknown = RAISE

    json_schema: ClassVar[Mapping[str, Any]] = {}
    """Conditions between members, as JSON Schema states them; the description shows them."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - marshmallow's
        super().__init__(**options)
        names = ", ".join(field.data_key or name for name, field in self.declared_fields.items())
        self.error_messages["unknown"] = f"{_UNKNOWN}: The members are {names or 'none'}"
        self.error_messages["type"] = f"wrong_type: Send an object; found {fields.FOUND}"


class AnswerSchema(StrictSchema):
    """An object that the service answers with."""


class BodySchema(StrictSchema):
    """An object in a request; it is loaded as a value of the class `value`."""

    value: ClassVar[Callable[..., Any]]

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:  # noqa: ANN401 - one of `value`
        """Return the members as a value of the class `value`."""
        return self.value(**data)


class QuerySchema(BodySchema):
    """The parameters of a query."""

    @property
    def names(self) -> list[str]:
        """The names of the parameters."""
        return [field.data_key or name for name, field in self.declared_fields.items()]


@dataclass(frozen=True, slots=True)
class PageParameters:
    """The part of a list that a caller asks for."""

    after: int | None = None
    limit: int = DEFAULT_ITEMS


def page_after() -> NumberText:
    """Return the parameter for the position after which a page starts."""
    about = "Continue after this position: the `next` of the previous page."
    return fields.number_text(about, optional=True, example=4)


def page_limit() -> NumberText:
    """Return the parameter for the maximum number of items on a page."""
    about = f"The maximum number of items; {DEFAULT_ITEMS} if it is not given."
    return fields.number_text(about, least=1, most=MAX_ITEMS, optional=True, example=DEFAULT_ITEMS)


class PageQuery(QuerySchema):
    """The parameters of a list without filters."""

    value = PageParameters
    after = page_after()
    limit = page_limit()


def load(schema: StrictSchema, sent: object, detail: str) -> Any:  # noqa: ANN401 - of the schema
    """Return the value that the schema makes; raise ProblemError if the schema refuses."""
    try:
        return schema.load(sent)  # type: ignore[arg-type]  # any JSON value: the schema checks it
    except ValidationError as error:
        complaints = list(complaints_of(error.messages, sent))
        raise ProblemError(ProblemCode.INVALID_REQUEST, detail, complaints) from None


def complaints_of(errors: object, sent: object, *at: str | int) -> Iterator[Complaint]:
    """Yield a complaint for each of marshmallow's errors about the value that was sent."""
    if isinstance(errors, dict):
        for key, inner in _in_order(errors, sent):
            if key == SCHEMA and not _is_unknown(inner):
                yield from complaints_of(inner, sent, *at)
            else:
                yield from complaints_of(inner, _member(sent, key), *at, key)
    elif isinstance(errors, list):
        for error in errors:
            yield from complaints_of(error, sent, *at)
    elif isinstance(errors, Complaint):
        yield Complaint(json_pointer(*at) + errors.pointer, errors.code, errors.message)
    else:
        code, _, message = str(errors).partition(": ")
        yield Complaint(json_pointer(*at), code, message.replace(fields.FOUND, _name(sent)))


def _in_order(errors: dict[Any, Any], sent: object) -> list[tuple[Any, Any]]:
    """Return the errors with unknown members last, in the order of the value that was sent.

    marshmallow keeps unknown members in a set, whose order differs from process to process.
    """
    places = {name: place for place, name in enumerate(sent)} if isinstance(sent, dict) else {}
    return sorted(
        errors.items(), key=lambda each: places.get(each[0], -1) if _is_unknown(each[1]) else -1
    )


def _is_unknown(errors: object) -> bool:
    """Return True if the error is about an unknown member that has marshmallow's own key."""
    return isinstance(errors, list) and str(errors[0]).startswith(_UNKNOWN)


def _member(sent: object, key: Any) -> object:  # noqa: ANN401 - a name or an index
    try:
        return sent[key]  # type: ignore[index]  # an object or a list, if it has the key
    except (TypeError, KeyError, IndexError):
        return None


def _name(sent: object) -> str:
    return next((name for kind, name in _NAMES if isinstance(sent, kind)), _rest(sent))


def _rest(sent: object) -> str:
    return "null" if sent is None else "an object"
