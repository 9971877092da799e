"""The JSON Schema (2020-12) of rule documents, format 1, for editors to complete and check by.

It is made of the vocabulary. It knows shapes and words; what a document means, `checking` checks.
The schema as a file is `documents/format-1.schema.json` of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.model.vocabulary import (
    ATTRIBUTE_TYPES,
    BARE_ACTIONS,
    BOUNDS,
    FACTS,
    FORMAT,
    SETTING_FACTS,
    SETTINGS,
    ActionType,
    FactType,
    Outcome,
    Stage,
)
from rules.validation import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.model.vocabulary import Fact

_REFERENCE = {"type": "string", "pattern": r"^\$[a-z_.]+$"}
_TYPES = {FactType.STRING: "string", FactType.BOOLEAN: "boolean", FactType.INTEGER: "integer"}
_ANY_TEST = {"type": ["string", "boolean", "integer", "array", "object"]}


def json_schema() -> dict[str, Any]:
    """The schema of a whole document."""
    text = {"type": "string", "minLength": 1, "maxLength": schema.LONGEST_TITLE}
    mapping = {"type": "object"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule document, format 1",
        **_closed(
            {
                "format": {"const": FORMAT},
                "title": text,
                "settings": _settings(),
                "answers": _closed(
                    {key: {"type": "array"} for key in ("customer", "not_customer")}
                ),
                "messages": {"type": "object", "additionalProperties": mapping},
                "facts": {
                    "type": "object",
                    "patternProperties": {r"^attributes\.": {"$ref": "#/$defs/attribute"}},
                    "additionalProperties": False,
                },
                "guards": _list("rule"),
                "rules": _list("rule"),
                "otherwise": {"$ref": "#/$defs/otherwise"},
                "tests": _list("test"),
                "properties": _list("property"),
            },
            ("format", "rules", "otherwise"),
        ),
        "$defs": _definitions(text),
    }


def _definitions(text: dict[str, Any]) -> dict[str, Any]:
    says = {
        "outcome": {"enum": [outcome.value for outcome in Outcome]},
        "reason": {"type": "string", "pattern": f"^{schema.REASON.pattern}$"},
        "stage": {"enum": [stage.value for stage in Stage]},
        "actions": {"type": "array", "items": {"$ref": "#/$defs/action"}},
    }
    name = {"type": "string", "pattern": f"^{schema.ID.pattern}$"}
    when = {"$ref": "#/$defs/when"}
    names = {"type": "array", "items": {"type": "string"}}
    some = {
        key: {"type": "array", "items": says[key[:-3]], "minItems": 1}
        for key in ("outcome_in", "reason_in", "stage_in")
    }
    return {
        "attribute": _closed(
            {
                "type": {"enum": [kind.value for kind in ATTRIBUTE_TYPES]},
                "values": names,
                "personal": {"type": "boolean"},
            },
            ("type",),
        ),
        "otherwise": _closed(says, ("outcome", "reason")),
        "rule": _closed({"id": name, "when": when, **says}, ("id", "when", "outcome", "reason")),
        "when": {
            **_facts({"any": {"type": "array", "items": when, "minItems": 1}}),
            "minProperties": 1,
        },
        "action": _action(when),
        "test": _closed(
            {
                "name": text,
                "given": {"type": "object"},
                "expect": _closed({**says, "rule": {"type": "string"}, "actions": names}),
            },
            ("name", "expect"),
        ),
        "property": _closed(
            {"id": name, "for_all": _facts({"any": {"type": "array"}}), **some, "rule_in": names},
            ("id", "for_all"),
        ),
    }


def _action(when: dict[str, Any]) -> dict[str, Any]:
    taken = {action.value: True for action in ActionType}
    bare = {"enum": sorted(action.value for action in BARE_ACTIONS)}
    return {"anyOf": [bare, _REFERENCE, _closed({**taken, "when": when})]}


def _settings() -> dict[str, Any]:
    described = {each.name: {"description": each.meaning} for each in SETTINGS.values()}
    return _closed(described)


def _facts(more: dict[str, Any]) -> dict[str, Any]:
    """A mapping of facts and tests."""
    known = {name: _test(fact) for name, fact in (FACTS | SETTING_FACTS).items()}
    attributes = {r"^attributes\.": _ANY_TEST}
    return {**_closed({**known, **more}), "patternProperties": attributes}


def _test(fact: Fact) -> dict[str, Any]:
    described: dict[str, Any] = {"description": fact.meaning}
    if fact.type is FactType.WHOLE:
        return {**described, "type": "object"}
    one: dict[str, Any] = {"type": _TYPES.get(fact.type, "string")}
    if fact.values:
        one = {"enum": list(fact.values)}
    value = {"anyOf": [one, _REFERENCE]}
    bounds = {bound.value: {"type": ["number", "string"]} for bound in BOUNDS}
    operators = _closed({"not": _ANY_TEST, "known": True, "language": True, **bounds})
    return {**described, "anyOf": [value, {"type": "array", "items": value}, operators]}


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}}


def _closed(members: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """A mapping with these members and no other."""
    shape = {"type": "object", "properties": members, "additionalProperties": False}
    return {**shape, "required": list(required)} if required else shape
