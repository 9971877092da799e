"""The shape of a rule document, as a marshmallow schema.

A message of the schema is `code: text`; `check_shape` adds the JSON pointer. The contents of
`settings`, `when`, `actions` and the like are vocabulary, and `checks/` checks them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA

from rules.errors import Complaint, json_pointer
from rules.formats.suggestions import quote_word, suggest_words
from rules.model.document import OTHERWISE
from rules.model.vocabulary import FORMAT, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from enum import StrEnum

MAX_TITLE_LENGTH = 200
MAX_RULES = 20_000
MAX_TESTS = 20_000
MAX_PROPERTIES = 1_000
ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
REASON_PATTERN = re.compile(r"[a-z0-9_]{1,64}")

_MISSING_KEY = "missing_key: This required key is missing: add it"
_NO_RULES = (
    "missing_key: The rules are missing and have no default: add them, for example those of the"
    " built-in document"
)
_UNKNOWN_KEY = "unknown_key"


def _type_messages(description: str) -> dict[str, str | list[Any] | dict[Any, Any]]:
    message = f"wrong_type: Write {description}"
    return {"required": _MISSING_KEY, "null": message, "invalid": message, "type": message}


class _StrictSchema(Schema):
    """A schema that refuses unknown members at every level."""

    class Meta:
        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's
        super().__init__(**kwargs)
        self.error_messages["unknown"] = f"{_UNKNOWN_KEY}: {', '.join(self.declared_fields)}"
        self.error_messages["type"] = "wrong_type: Write a mapping"


class _TypedField(fields.Field[Any]):
    """A field for one of Python's types, without conversion; true and false are not numbers."""

    def __init__(self, kind: type, description: str, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's
        super().__init__(error_messages=_type_messages(description), **kwargs)
        self._type = kind

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(value, self._type):
            raise self.make_error("invalid")
        return value


def _mapping_field(**kwargs: Any) -> _TypedField:  # noqa: ANN401 - marshmallow's
    return _TypedField(dict, "a mapping, or leave the key out", **kwargs)


def _list_field(
    item_schema: type[_StrictSchema],
    max_items: int,
    **kwargs: Any,  # noqa: ANN401 - marshmallow's
) -> fields.List[Any]:
    item = fields.Nested(item_schema, error_messages=_type_messages("a mapping"))
    messages = _type_messages("a list, or leave the key out")
    return fields.List(item, error_messages=messages, validate=_limit_items(max_items), **kwargs)


def _limit_items(max_items: int) -> Callable[[list[Any]], None]:
    def check(items: list[Any]) -> None:
        if len(items) > max_items:
            raise ValidationError(f"too_many: Write at most {max_items:,} items")

    return check


def _limit_text(max_length: int) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not text.strip():
            raise ValidationError(
                "empty_text: The text is blank: write a text, or leave the key out"
            )
        if len(text) > max_length:
            raise ValidationError(f"too_long: Write at most {max_length} characters")

    return check


def _match_pattern(pattern: re.Pattern[str], code: str, description: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not pattern.fullmatch(text):
            raise ValidationError(f"{code}: Write {description}")

    return check


def _match_word(words: type[StrEnum], code: str) -> Callable[[str], None]:
    values = [word.value for word in words]

    def check(text: str) -> None:
        if text not in values:
            raise ValidationError(
                f"{code}: {quote_word(text)} is unknown: {suggest_words(text, values)}"
            )

    return check


def _check_format(number: int) -> None:
    if isinstance(number, bool) or number != FORMAT:
        raise ValidationError(f"unknown_format: Write {FORMAT}, the only supported format")


def _check_not_otherwise(text: str) -> None:
    if text == OTHERWISE:
        raise ValidationError("malformed_id: `otherwise` is reserved: use a different id")


def _text_field(description: str, *checks: Callable[[str], None], **kwargs: Any) -> _TypedField:  # noqa: ANN401
    return _TypedField(str, description, validate=checks, **kwargs)


def _reason_field(**kwargs: Any) -> _TypedField:  # noqa: ANN401 - marshmallow's
    description = "1 to 64 lower-case letters, digits and underscores"
    return _text_field(
        "a reason", _match_pattern(REASON_PATTERN, "malformed_reason", description), **kwargs
    )


def _outcome_field(**kwargs: Any) -> _TypedField:  # noqa: ANN401 - marshmallow's
    return _text_field("an outcome", _match_word(Outcome, "unknown_outcome"), **kwargs)


def _stage_field() -> _TypedField:
    return _text_field("a stage, or leave the key out", _match_word(Stage, "unknown_stage"))


_ID_DESCRIPTION = "1 to 64 lower-case letters, digits, hyphens and underscores"


class _OtherwiseSchema(_StrictSchema):
    outcome = _outcome_field(required=True)
    reason = _reason_field(required=True)
    stage = _stage_field()
    actions = _TypedField(list, "a list of actions, or leave the key out")


class _RuleSchema(_OtherwiseSchema):
    id = _text_field(
        "an id",
        _match_pattern(ID_PATTERN, "malformed_id", _ID_DESCRIPTION),
        _check_not_otherwise,
        required=True,
    )
    when = _TypedField(dict, "a mapping of facts and tests", required=True)


class _ExpectSchema(_StrictSchema):
    outcome = _outcome_field()
    reason = _reason_field()
    rule = _text_field("the id of a rule")
    stage = _stage_field()
    actions = _TypedField(list, "a list of action names")


class _TestSchema(_StrictSchema):
    name = _text_field("a name", _limit_text(MAX_TITLE_LENGTH), required=True)
    given = _mapping_field()
    expect = fields.Nested(_ExpectSchema, required=True, error_messages=_type_messages("a mapping"))


class _PropertySchema(_StrictSchema):
    id = _text_field(
        "an id", _match_pattern(ID_PATTERN, "malformed_id", _ID_DESCRIPTION), required=True
    )
    for_all = _TypedField(dict, "a mapping of facts and tests, or an empty mapping", required=True)
    outcome_in = _TypedField(list, "a list of outcomes")
    reason_in = _TypedField(list, "a list of reasons")
    stage_in = _TypedField(list, "a list of stages")
    rule_in = _TypedField(list, "a list of rule ids")


class _DocumentSchema(_StrictSchema):
    format = _TypedField(int, f"{FORMAT}", validate=_check_format, required=True)
    title = _text_field("a text", _limit_text(MAX_TITLE_LENGTH))
    settings = _mapping_field()
    answers = _mapping_field()
    messages = _mapping_field()
    facts = _mapping_field()
    guards = _list_field(_RuleSchema, MAX_RULES)
    rules = _list_field(_RuleSchema, MAX_RULES, required=True)
    rules.error_messages["required"] = _NO_RULES
    otherwise = fields.Nested(
        _OtherwiseSchema, required=True, error_messages=_type_messages("a mapping")
    )
    tests = _list_field(_TestSchema, MAX_TESTS)
    properties = _list_field(_PropertySchema, MAX_PROPERTIES)


_SCHEMA = _DocumentSchema()


def check_shape(tree: Mapping[str, Any]) -> Iterator[Complaint]:
    """Return the complaints about the document's shape."""
    yield from _flatten_errors(_SCHEMA.validate(tree), ())


def _flatten_errors(errors: Any, path: tuple[str | int, ...]) -> Iterator[Complaint]:  # noqa: ANN401 - nested
    if isinstance(errors, dict):
        for key, inner_errors in errors.items():
            yield from _flatten_errors(inner_errors, path if key == SCHEMA else (*path, key))
    else:
        yield from _parse_messages(errors, path)


def _parse_messages(messages: Iterable[str], path: tuple[str | int, ...]) -> Iterator[Complaint]:
    for message in messages:
        code, _, text = message.partition(": ")
        if code == _UNKNOWN_KEY:
            name = str(path[-1]) if path else SCHEMA
            text = f"{quote_word(name)} is not a key here: {suggest_words(name, text.split(', '))}"
        yield Complaint(json_pointer(*path), code, text)
