"""The shape of a rule document, as marshmallow sees it.

A message of the schema is `code: text`; `complaints` gives each its JSON pointer. What stands
inside `settings`, `when`, `actions` and the like is vocabulary, and so a matter of `checks/`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marshmallow import RAISE, Schema, ValidationError, fields
from marshmallow.exceptions import SCHEMA

from rules.errors import Complaint, pointer
from rules.formats.suggestions import instead, quoted
from rules.model.document import OTHERWISE
from rules.model.vocabulary import FORMAT, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from enum import StrEnum

LONGEST_TITLE = 200
MOST_RULES = 20_000
MOST_TESTS = 20_000
MOST_PROPERTIES = 1_000
ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
REASON = re.compile(r"[a-z0-9_]{1,64}")

_MISSING = "missing_key: It is missing: write it"
_NO_RULES = (
    "missing_key: They are missing, and are not filled in as settings, answers and messages are:"
    " begin with those of the built-in document"
)
_UNKNOWN = "unknown_key"


def _of_type(what: str) -> dict[str, str | list[Any] | dict[Any, Any]]:
    message = f"wrong_type: Write {what}"
    return {"required": _MISSING, "null": message, "invalid": message, "type": message}


class _Strict(Schema):
    """Refuses what it does not know, at every level."""

    class Meta:
        unknown = RAISE

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's
        super().__init__(**kwargs)
        self.error_messages["unknown"] = f"{_UNKNOWN}: {', '.join(self.declared_fields)}"
        self.error_messages["type"] = "wrong_type: Write a mapping"


class _Of(fields.Field[Any]):
    """A value of one of Python's types, taken as it is; true and false are no numbers."""

    def __init__(self, kind: type, what: str, **kwargs: Any) -> None:  # noqa: ANN401 - marshmallow's
        super().__init__(error_messages=_of_type(what), **kwargs)
        self._kind = kind

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(value, self._kind):
            raise self.make_error("invalid")
        return value


def _mapping(**kwargs: Any) -> _Of:  # noqa: ANN401 - marshmallow's
    return _Of(dict, "a mapping, or leave the key out", **kwargs)


def _list(of: type[_Strict], most: int, **kwargs: Any) -> fields.List[Any]:  # noqa: ANN401
    item = fields.Nested(of, error_messages=_of_type("a mapping"))
    messages = _of_type("a list, or leave the key out")
    return fields.List(item, error_messages=messages, validate=_at_most(most), **kwargs)


def _at_most(most: int) -> Callable[[list[Any]], None]:
    def check(items: list[Any]) -> None:
        if len(items) > most:
            raise ValidationError(f"too_many: Write at most {most:,}")

    return check


def _short(longest: int) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not text.strip():
            raise ValidationError("empty_text: Write a text, or leave the key out")
        if len(text) > longest:
            raise ValidationError(f"too_long: Write at most {longest} characters")

    return check


def _like(pattern: re.Pattern[str], code: str, what: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not pattern.fullmatch(text):
            raise ValidationError(f"{code}: Write {what}")

    return check


def _word(words: type[StrEnum], code: str) -> Callable[[str], None]:
    known = [word.value for word in words]

    def check(text: str) -> None:
        if text not in known:
            raise ValidationError(f"{code}: {quoted(text)} is unknown: {instead(text, known)}")

    return check


def _format(number: int) -> None:
    if isinstance(number, bool) or number != FORMAT:
        raise ValidationError(f"unknown_format: Write {FORMAT}, the format that is read here")


def _not_otherwise(text: str) -> None:
    if text == OTHERWISE:
        raise ValidationError("malformed_id: `otherwise` is what holds when no rule does")


def _text(what: str, *checks: Callable[[str], None], **kwargs: Any) -> _Of:  # noqa: ANN401
    return _Of(str, what, validate=checks, **kwargs)


def _reason(**kwargs: Any) -> _Of:  # noqa: ANN401 - marshmallow's
    what = "1 to 64 lower-case letters, digits and underscores"
    return _text("a reason", _like(REASON, "malformed_reason", what), **kwargs)


def _outcome(**kwargs: Any) -> _Of:  # noqa: ANN401 - marshmallow's
    return _text("an outcome", _word(Outcome, "unknown_outcome"), **kwargs)


def _stage() -> _Of:
    return _text("a stage, or leave the key out", _word(Stage, "unknown_stage"))


_ID_IS = "1 to 64 lower-case letters, digits, hyphens and underscores"


class _Otherwise(_Strict):
    outcome = _outcome(required=True)
    reason = _reason(required=True)
    stage = _stage()
    actions = _Of(list, "a list of actions, or leave the key out")


class _Rule(_Otherwise):
    id = _text("an id", _like(ID, "malformed_id", _ID_IS), _not_otherwise, required=True)
    when = _Of(dict, "a mapping of facts and tests", required=True)


class _Expect(_Strict):
    outcome = _outcome()
    reason = _reason()
    rule = _text("the id of a rule")
    stage = _stage()
    actions = _Of(list, "a list of the actions' names")


class _Test(_Strict):
    name = _text("a name", _short(LONGEST_TITLE), required=True)
    given = _mapping()
    expect = fields.Nested(_Expect, required=True, error_messages=_of_type("a mapping"))


class _Property(_Strict):
    id = _text("an id", _like(ID, "malformed_id", _ID_IS), required=True)
    for_all = _Of(dict, "a mapping of facts and tests, an empty one for all facts", required=True)
    outcome_in = _Of(list, "a list of outcomes")
    reason_in = _Of(list, "a list of reasons")
    stage_in = _Of(list, "a list of stages")
    rule_in = _Of(list, "a list of ids of rules")


class _Document(_Strict):
    format = _Of(int, f"{FORMAT}", validate=_format, required=True)
    title = _text("a text", _short(LONGEST_TITLE))
    settings = _mapping()
    answers = _mapping()
    messages = _mapping()
    facts = _mapping()
    guards = _list(_Rule, MOST_RULES)
    rules = _list(_Rule, MOST_RULES, required=True)
    rules.error_messages["required"] = _NO_RULES
    otherwise = fields.Nested(_Otherwise, required=True, error_messages=_of_type("a mapping"))
    tests = _list(_Test, MOST_TESTS)
    properties = _list(_Property, MOST_PROPERTIES)


_SCHEMA = _Document()


def complaints(tree: Mapping[str, Any]) -> Iterator[Complaint]:
    """What is wrong with the document's shape."""
    yield from _flat(_SCHEMA.validate(tree), ())


def _flat(errors: Any, at: tuple[str | int, ...]) -> Iterator[Complaint]:  # noqa: ANN401 - nested
    if isinstance(errors, dict):
        for key, inner in errors.items():
            yield from _flat(inner, at if key == SCHEMA else (*at, key))
    else:
        yield from _said(errors, at)


def _said(messages: Iterable[str], at: tuple[str | int, ...]) -> Iterator[Complaint]:
    for said in messages:
        code, _, text = said.partition(": ")
        if code == _UNKNOWN:
            name = str(at[-1]) if at else SCHEMA
            text = f"{quoted(name)} is no key here: {instead(name, text.split(', '))}"
        yield Complaint(pointer(*at), code, text)
