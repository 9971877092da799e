"""The JSON Schema accepts valid shapes, refuses others, and equals the packaged file."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from rules.formats.document_text import read_yaml
from rules.model import builtin
from rules.validation.json_schema import build_json_schema
from tests.folders import ROOT

VALIDATOR = Draft202012Validator(build_json_schema())
DOCUMENTS = ROOT / "tests" / "rules" / "documents"


def test_packaged_schema_is_valid_and_current() -> None:
    Draft202012Validator.check_schema(build_json_schema())
    file = files("rules.model").joinpath("documents", "format-1.schema.json")
    assert json.loads(file.read_text(encoding="utf-8")) == build_json_schema()


def test_built_in_document_is_valid_by_the_schema() -> None:
    assert list(VALIDATOR.iter_errors(builtin.load_tree())) == []


@pytest.mark.parametrize("name", ["property-broken"])
def test_broken_property_is_valid_by_the_schema(name: str) -> None:
    text = (DOCUMENTS / f"{name}.yaml").read_text(encoding="utf-8")
    assert list(VALIDATOR.iter_errors(read_yaml(text).value)) == []


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("colour", "red"),
        ("settings", {"enable": True}),
        ("otherwise", {"outcome": "maybe", "reason": "x"}),
        ("rules", [{"id": "r", "when": {"answers": 1}, "outcome": "noted", "reason": "x"}]),
        ("properties", [{"id": "p", "outcome_in": ["noted"]}]),
        ("rules", [{"id": "r", "when": {}, "outcome": "noted", "reason": "x"}]),
    ],
)
def test_wrong_shape_is_invalid_by_the_schema(part: str, value: object) -> None:
    assert not VALIDATOR.is_valid({**builtin.load_tree(), part: value})
