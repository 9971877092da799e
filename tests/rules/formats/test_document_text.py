"""Texts are read by the rules of YAML 1.2 core and I-JSON; hostile texts are refused early."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.errors import InvalidDocumentError
from rules.formats import yaml_reader
from rules.formats.document_text import (
    MAX_DOCUMENT_BYTES,
    DocumentSource,
    read_json,
    read_value,
    read_yaml,
)
from rules.formats.strict_json import MAX_DEPTH, MAX_SAFE_INTEGER

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VISIBLE = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)
"""Texts that YAML too may contain without an escape."""


def json_values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Return values of I-JSON: integers stay within the exact range of a double."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
        | st.floats(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
        | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=20,
    )


JSON = json_values(TEXTS)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=4)
VISIBLE_OBJECTS = st.dictionaries(VISIBLE, json_values(VISIBLE), max_size=4)

# YAML 1.2.2, 10.3.2, with what YAML 1.1 would have made of some of them in mind.
SCALARS: list[tuple[str, Any]] = [
    ("", None),
    ("~", None),
    ("null", None),
    ("Null", None),
    ("NULL", None),
    ("nULL", "nULL"),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("tRUE", "tRUE"),
    ("yes", "yes"),
    ("no", "no"),
    ("on", "on"),
    ("Off", "Off"),
    ("y", "y"),
    ("0", 0),
    ("-0", 0),
    ("+12", 12),
    ("-19", -19),
    ("007", 7),
    ("0o14", 12),
    ("0x1F", 31),
    ("0O14", "0O14"),
    ("-0x1F", "-0x1F"),
    ("0b101", "0b101"),
    ("1_000", "1_000"),
    ("9007199254740991", MAX_SAFE_INTEGER),
    ("12:30", "12:30"),
    ("2026-12-24", "2026-12-24"),
    ("1.5", 1.5),
    ("-.5", -0.5),
    ("1.", 1),
    ("1e3", 1000),
    ("1E-2", 0.01),
    ("1.e", "1.e"),
    (".", "."),
    ("=", "="),
    ("<<", "<<"),
    ("\u0661", "\u0661"),  # a digit, but not ASCII's
    ("'true'", "true"),
    ('"12"', "12"),
    ("+43 1 234567", "+43 1 234567"),
]


@pytest.mark.parametrize(("written", "value"), SCALARS)
def test_scalar_has_its_value_in_the_core_schema(written: str, value: Any) -> None:
    read = read_yaml(f"a: {written}\n").value["a"]
    assert (read, type(read)) == (value, type(value))


def test_block_scalar_is_a_text() -> None:
    assert read_yaml("a: |\n  12\nb: >-\n  true\n").value == {"a": "12\n", "b": "true"}


def test_every_pointer_has_its_line() -> None:
    lines = read_yaml("# a comment\na:\n  - b\n  - {c: d,\n     e/f: g}\n").lines
    assert lines == {
        "": 2,
        "/a": 2,
        "/a/0": 3,
        "/a/1": 4,
        "/a/1/c": 4,
        "/a/1/e~1f": 5,
    }


def test_missing_pointer_has_the_line_of_its_parent() -> None:
    source = read_yaml("a:\n  b: c\n")
    assert source.line_of("/a/b/c/d") == 2
    assert source.line_of("/x") == 1
    assert read_value({"a": 1}).line_of("/a") is None


def test_directive_yaml_1_2_is_accepted() -> None:
    assert read_yaml("%YAML 1.2\n---\na: 1\n").value == {"a": 1}


@given(OBJECTS)
def test_json_with_escapes_is_read_as_yaml(value: Any) -> None:
    assert read_yaml(json.dumps(value)).value == value


@given(VISIBLE_OBJECTS)
def test_json_without_escapes_is_read_as_yaml(value: Any) -> None:
    assert read_yaml(json.dumps(value, ensure_ascii=False, indent=2)).value == value


@given(JSON)
def test_json_is_read_as_the_value_it_encodes(value: Any) -> None:
    expected = DocumentSource(value, {})
    assert read_json(json.dumps(value)) == read_json(json.dumps(value).encode()) == expected
    assert read_value(value) == expected


@given(st.text() | st.text(alphabet=" \n\t-?:,[]{}#&*!|>'\"%@`ab01~.\\u"))
def test_any_text_is_read_or_refused_with_complaints(text: str) -> None:
    for read in (read_yaml, read_json):
        try:
            assert isinstance(read(text), DocumentSource)
        except InvalidDocumentError:
            continue


@given(st.binary())
def test_any_bytes_are_read_or_refused_with_complaints(body: bytes) -> None:
    try:
        assert isinstance(read_json(body), DocumentSource)
    except InvalidDocumentError:
        return


class LimitedLoader(yaml.SafeLoader):
    """A parser with a nesting limit of its own, which it reaches while it reads ahead."""

    def fetch_flow_collection_start(self, token_class: Any) -> None:
        if self.flow_level > MAX_DEPTH:
            mark = self.get_mark()
            raise yaml.scanner.ScannerError("in a list", mark, "a limit was met", mark)
        super().fetch_flow_collection_start(token_class)


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader, LimitedLoader])
@pytest.mark.parametrize("opening", ["[", "- ", "{a: ", "{? ", "? ", '{"a":', "[[\n"])
@pytest.mark.parametrize("depth", [65, 5_000, 100_000])
def test_deep_nesting_is_refused_as_too_deep(
    opening: str, depth: int, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The complaint is `too_deep` even if the parser has a limit of its own."""
    monkeypatch.setattr(yaml_reader, "_LOADER", loader)
    assert "too_deep" in codes_of(read_yaml, opening * depth)


def test_deep_json_is_refused_as_too_deep() -> None:
    assert codes_of(read_json, "[" * 100_000 + "]" * 100_000) == ["too_deep"]
    nested: list[Any] = []
    for _ in range(10_000):
        nested = [nested]
    assert codes_of(read_value, nested) == ["too_deep"]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("a" * (MAX_DOCUMENT_BYTES + 1), {"document_too_large"}),
        ("é" * (MAX_DOCUMENT_BYTES // 2 + 1), {"document_too_large"}),
        ("".join(f"%TAG !a{n}! b\n" for n in range(60_000)), {"directive"}),
        ("a: b\n" * 200_000, {"duplicate_key"}),
        ("- a\n" * 250_000, {"too_many"}),
        ("{" * 50 + "? " + "x" * 200_000, {"key_not_text", "too_long", "not_yaml"}),
        ("? " + "x" * 500_000 + "\n: [" + "1," * 200_000 + "]", {"too_long", "too_many"}),
        ('a: "\ud800"', {"lone_surrogate"}),
    ],
)
def test_hostile_text_is_refused_with_bounded_complaints(text: str, codes: set[str]) -> None:
    found_codes = codes_of(read_yaml, text)
    assert set(found_codes) == codes
    assert len(found_codes) <= 1_000


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": "\\ud800"}', "lone_surrogate"),
        (b"\xff", "not_utf_8"),
        (b"[NaN]", "not_json"),
        (b"[-Infinity]", "not_json"),
        (b"[9007199254740992]", "number_out_of_range"),
        (b"[1e400]", "number_out_of_range"),
        (b"[1" + b"0" * 5_000 + b"]", "number_out_of_range"),
        (b"{'a': 1}", "not_json"),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", "not_json"),
        (b"", "not_json"),
    ],
)
def test_body_that_is_not_i_json_is_refused(body: bytes, code: str) -> None:
    assert codes_of(read_json, body) == [code]


@pytest.mark.parametrize("value", [float("nan"), "\ud800", 2**53, object()])
def test_value_that_json_cannot_represent_is_refused(value: object) -> None:
    assert codes_of(read_value, {"a": value})


def codes_of(read: Any, text: object) -> list[str]:
    with pytest.raises(InvalidDocumentError) as refusal:
        read(text)
    return [complaint.code for complaint in refusal.value.complaints]
