"""The JSON Schema (2020-12) of rule documents of format 1, for editors.

It is built from the vocabulary. It covers shapes and words; `check.py` covers the meaning. The file
`documents/format-1.schema.json` of `rules.model` is this schema.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.model.vocabulary import (
    ATTRIBUTE_TYPES,
    BARE_ACTIONS,
    BOUND_OPERATORS,
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

_REFERENCE_SCHEMA = {"type": "string", "pattern": r"^\$[a-z_.]+$"}
_JSON_TYPES = {FactType.STRING: "string", FactType.BOOLEAN: "boolean", FactType.INTEGER: "integer"}
_ANY_TEST_SCHEMA = {"type": ["string", "boolean", "integer", "array", "object"]}


def build_json_schema() -> dict[str, Any]:
    """Return the schema of a whole document."""
    text = {"type": "string", "minLength": 1, "maxLength": schema.MAX_TITLE_LENGTH}
    mapping = {"type": "object"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule document, format 1",
        **_object_schema(
            {
                "format": {"const": FORMAT},
                "title": text,
                "settings": _settings_schema(),
                "answers": _object_schema(
                    {key: {"type": "array"} for key in ("customer", "not_customer")}
                ),
                "messages": {"type": "object", "additionalProperties": mapping},
                "facts": {
                    "type": "object",
                    "patternProperties": {r"^attributes\.": {"$ref": "#/$defs/attribute"}},
                    "additionalProperties": False,
                },
                "guards": _list_schema("rule"),
                "rules": _list_schema("rule"),
                "otherwise": {"$ref": "#/$defs/otherwise"},
                "tests": _list_schema("test"),
                "properties": _list_schema("property"),
            },
            ("format", "rules", "otherwise"),
        ),
        "$defs": _build_definitions(text),
    }


def _build_definitions(text: dict[str, Any]) -> dict[str, Any]:
    decision_members = {
        "outcome": {"enum": [outcome.value for outcome in Outcome]},
        "reason": {"type": "string", "pattern": f"^{schema.REASON_PATTERN.pattern}$"},
        "stage": {"enum": [stage.value for stage in Stage]},
        "actions": {"type": "array", "items": {"$ref": "#/$defs/action"}},
    }
    name = {"type": "string", "pattern": f"^{schema.ID_PATTERN.pattern}$"}
    when = {"$ref": "#/$defs/when"}
    names = {"type": "array", "items": {"type": "string"}}
    value_lists = {
        key: {"type": "array", "items": decision_members[key[:-3]], "minItems": 1}
        for key in ("outcome_in", "reason_in", "stage_in")
    }
    return {
        "attribute": _object_schema(
            {
                "type": {"enum": [kind.value for kind in ATTRIBUTE_TYPES]},
                "values": names,
                "personal": {"type": "boolean"},
            },
            ("type",),
        ),
        "otherwise": _object_schema(decision_members, ("outcome", "reason")),
        "rule": _object_schema(
            {"id": name, "when": when, **decision_members}, ("id", "when", "outcome", "reason")
        ),
        "when": {
            **_facts_schema({"any": {"type": "array", "items": when, "minItems": 1}}),
            "minProperties": 1,
        },
        "action": _action_schema(when),
        "test": _object_schema(
            {
                "name": text,
                "given": {"type": "object"},
                "expect": _object_schema(
                    {**decision_members, "rule": {"type": "string"}, "actions": names}
                ),
            },
            ("name", "expect"),
        ),
        "property": _object_schema(
            {
                "id": name,
                "for_all": _facts_schema({"any": {"type": "array"}}),
                **value_lists,
                "rule_in": names,
            },
            ("id", "for_all"),
        ),
    }


def _action_schema(when: dict[str, Any]) -> dict[str, Any]:
    arguments = {action.value: True for action in ActionType}
    bare = {"enum": sorted(action.value for action in BARE_ACTIONS)}
    return {"anyOf": [bare, _REFERENCE_SCHEMA, _object_schema({**arguments, "when": when})]}


def _settings_schema() -> dict[str, Any]:
    members = {setting.name: {"description": setting.description} for setting in SETTINGS.values()}
    return _object_schema(members)


def _facts_schema(extra_members: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a mapping of facts and tests."""
    members = {name: _test_schema(fact) for name, fact in (FACTS | SETTING_FACTS).items()}
    attributes = {r"^attributes\.": _ANY_TEST_SCHEMA}
    return {**_object_schema({**members, **extra_members}), "patternProperties": attributes}


def _test_schema(fact: Fact) -> dict[str, Any]:
    description: dict[str, Any] = {"description": fact.description}
    if fact.type is FactType.WHOLE:
        return {**description, "type": "object"}
    single_value: dict[str, Any] = {"type": _JSON_TYPES.get(fact.type, "string")}
    if fact.values:
        single_value = {"enum": list(fact.values)}
    value = {"anyOf": [single_value, _REFERENCE_SCHEMA]}
    bounds = {bound.value: {"type": ["number", "string"]} for bound in BOUND_OPERATORS}
    operators = _object_schema({"not": _ANY_TEST_SCHEMA, "known": True, "language": True, **bounds})
    return {**description, "anyOf": [value, {"type": "array", "items": value}, operators]}


def _list_schema(definition: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{definition}"}}


def _object_schema(members: dict[str, Any], required: Iterable[str] = ()) -> dict[str, Any]:
    """Return the schema of a mapping with these members and no others."""
    shape = {"type": "object", "properties": members, "additionalProperties": False}
    return {**shape, "required": list(required)} if required else shape
