"""YAML 1.2 in its core schema, without anchors, aliases, tags and multiple documents.

The result has the shape of JSON: mappings with text keys, lists, texts, numbers, booleans and null.
`yes`, `no`, `on`, `12:30` and `2026-12-24` are texts. JSON is read as YAML.

PyYAML's parser only supplies events; its YAML 1.1 values are not used. The text may be hostile:
nesting, nodes and complaints are bounded, and no step recurses.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import yaml

from rules.errors import Complaint, json_pointer
from rules.formats.strict_json import MAX_DEPTH, MAX_SAFE_INTEGER, StrictJsonError, parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NODES = 200_000
MAX_KEY_LENGTH = 200
MAX_POINTER_LENGTH = 400
"""Maximum length of a pointer in characters, so that a small text cannot fill the memory."""
MAX_COMPLAINTS = 1_000

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)
_LINE_SEPARATOR = re.compile("[\x85\u2028\u2029]")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_SURROGATE_PAIR = re.compile(
    r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_YAML_1_2 = (1, 2)

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_INTEGER_BY_BASE = {8: re.compile(r"0o([0-7]+)"), 16: re.compile(r"0x([0-9a-fA-F]+)")}
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 20


class _StopReadingError(Exception):
    """The signal to read no further."""


class _OpenCollection:
    """A list or mapping that is being filled; `key` is the key that waits for its value."""

    __slots__ = ("key", "pointer", "value")

    def __init__(self, value: dict[str, Any] | list[Any], pointer: str) -> None:
        self.value = value
        self.pointer = pointer
        self.key: str | None = None


class YamlReader:
    """A reader of one text: its `value`, the line of each place, and its complaints."""

    def __init__(self) -> None:
        self.value: Any = None
        self.lines: dict[str, int] = {}
        self.complaints: list[Complaint] = []
        self._document_count = 0
        self._open_collections: list[_OpenCollection] = []

    def read(self, text: str) -> None:
        """Read the whole text. It must be encodable as UTF-8."""
        text = _rewrite_surrogate_pairs(text)
        try:
            self._check_before_parsing(text)
            self._parse(text)
        except yaml.YAMLError as error:
            complaint = Complaint("", *_describe_error(error), _error_line(error, text))
            self.complaints.append(_depth_complaint_before(error, text) or complaint)
        except _StopReadingError:
            pass

    def _parse(self, text: str) -> None:
        for event in yaml.parse(text, Loader=_LOADER):
            self._handle_event(event)

    def _check_before_parsing(self, text: str) -> None:
        """Stop at text that the parser reads slowly, or as YAML 1.1."""
        if match := _TAG_DIRECTIVE.search(text):
            line = text.count("\n", 0, match.start()) + 1
            self._stop_reading("directive", "%TAG is not supported: remove all tags", line)
        if match := _LINE_SEPARATOR.search(text):
            line = text.count("\n", 0, match.start()) + 1
            escape = f"\\u{ord(match[0]):04x}"
            self._stop_reading(
                "bad_character", f'Write the line separator as "{escape}" in quotes', line
            )

    def _add_complaint(self, code: str, message: str, line: int, pointer: str = "") -> None:
        self.complaints.append(Complaint(pointer, code, message, line))
        if len(self.complaints) >= MAX_COMPLAINTS:
            raise _StopReadingError

    def _stop_reading(self, code: str, message: str, line: int, pointer: str = "") -> None:
        self._add_complaint(code, message, line, pointer)
        raise _StopReadingError

    def _handle_event(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 1
        match event:
            case yaml.DocumentStartEvent():
                self._start_document(event, line)
            case yaml.ScalarEvent():
                self._handle_scalar(event, line)
            case yaml.AliasEvent():
                pointer = self._place_value(None, line)
                self._add_complaint(
                    "alias", "Aliases (*) are not supported: write the value", line, pointer
                )
            case yaml.CollectionStartEvent():
                self._start_collection(event, line)
            case yaml.CollectionEndEvent():
                self._open_collections.pop()

    def _start_document(self, event: yaml.DocumentStartEvent, line: int) -> None:
        self._document_count += 1
        if self._document_count > 1:
            self._stop_reading(
                "many_documents", "The text contains a second document: write only one", line
            )
        if event.version not in (None, _YAML_1_2):
            self._add_complaint("directive", "Only YAML 1.2 is supported: remove %YAML", line)

    def _start_collection(self, event: yaml.CollectionStartEvent, line: int) -> None:
        value: dict[str, Any] | list[Any] = [] if isinstance(event, yaml.SequenceStartEvent) else {}
        pointer = self._place_value(value, line)
        self._check_properties(event, line, pointer)
        self._open_collections.append(_OpenCollection(value, pointer))
        if len(self._open_collections) > MAX_DEPTH:
            message = f"The document is nested deeper than {MAX_DEPTH} levels"
            self._stop_reading("too_deep", message, line, pointer)

    def _handle_scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        value: object = event.value
        complaint = None
        if event.implicit[0]:
            try:
                value = parse_plain_scalar(event.value)
            except ScalarError as error:
                complaint = str(error)
        if self._awaits_key():
            pointer = self._handle_key(
                event.value, line, is_text=isinstance(value, str) and not complaint
            )
        else:
            pointer = self._place_value(value, line)
            if complaint:
                self._add_complaint("number_out_of_range", complaint, line, pointer)
        self._check_properties(event, line, pointer)
        if not _is_encodable(event.value):
            self._add_complaint(
                "lone_surrogate", "A text contains half a surrogate pair", line, pointer
            )

    def _check_properties(
        self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, line: int, pointer: str
    ) -> None:
        if event.anchor is not None:
            self._add_complaint(
                "alias", "Anchors (&) are not supported: remove the anchor", line, pointer
            )
        if event.tag is not None:
            self._add_complaint("tag", "Tags (!) are not supported: remove the tag", line, pointer)

    def _awaits_key(self) -> bool:
        if not self._open_collections:
            return False
        frame = self._open_collections[-1]
        return isinstance(frame.value, dict) and frame.key is None

    def _handle_key(self, key: str, line: int, *, is_text: bool) -> str:
        frame = self._open_collections[-1]
        frame.key = key[:MAX_KEY_LENGTH]
        pointer = frame.pointer + json_pointer(frame.key)
        if len(key) > MAX_KEY_LENGTH:
            message = f"The key is longer than {MAX_KEY_LENGTH} characters: shorten it"
            self._add_complaint("too_long", message, line, pointer)
        elif not is_text:
            self._add_complaint(
                "key_not_text", f"A key must be a text: write '{key}' in quotes", line, pointer
            )
        elif frame.key in frame.value:
            first_line = self.lines[pointer]
            message = f"The key {key} is already in line {first_line}: remove one"
            self._add_complaint("duplicate_key", message, line, pointer)
            return pointer
        self._record_line(pointer, line)
        return pointer

    def _place_value(self, value: object, line: int) -> str:
        """Put a value in the innermost open collection; return its JSON pointer."""
        if not self._open_collections:
            self.value = value
            self._record_line("", line)
            return ""
        # 1. The pointer of a list's item ends with the number of the item.
        frame = self._open_collections[-1]
        if isinstance(frame.value, list):
            pointer = frame.pointer + json_pointer(len(frame.value))
            frame.value.append(value)
            self._record_line(pointer, line)
            return pointer
        # 2. A list or mapping in the place of a key gets the key `?`, so that reading goes on.
        if frame.key is None:
            frame.key = "?"
            pointer = frame.pointer + json_pointer(frame.key)
            self._add_complaint(
                "key_not_text", "A key must be a text, not a list or mapping", line, pointer
            )
            return pointer
        # 3. A member keeps the value of its first key; a duplicate key has its complaint already.
        pointer = frame.pointer + json_pointer(frame.key)
        frame.value.setdefault(frame.key, value)
        frame.key = None
        return pointer

    def _record_line(self, pointer: str, line: int) -> None:
        """Record the line of a place. The line of a member is the line of its key."""
        self.lines[pointer] = line
        if len(self.lines) > MAX_NODES:
            self._stop_reading(
                "too_many", f"The document has more than {MAX_NODES:,} values", line, pointer
            )
        if len(pointer) > MAX_POINTER_LENGTH:
            message = "The keys around this place are too long together"
            self._stop_reading("too_deep", message, line, pointer)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _describe_error(error: yaml.YAMLError) -> tuple[str, str]:
    """Return the code and message of the complaint about an error of the parser."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return "bad_character", "Write the control character as an escape in double quotes"
    if "character escape" in (error.problem or ""):
        return "lone_surrogate", "An escape is not a character, such as half a surrogate pair"
    problem = " ".join(filter(None, (error.context, error.problem)))
    return "not_yaml", f"The text is not YAML: {problem}"


def _depth_complaint_before(error: yaml.YAMLError, text: str) -> Complaint | None:
    """Return the complaint about the nesting of the text before the error, if it is too deep.

    The parser reads ahead of the events that it gives. Since PyYAML 6.0.4 the parser has a limit of
    nesting of its own, and may raise its error before the reader has seen MAX_DEPTH levels.
    """
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return None
    beginning = YamlReader()
    with suppress(yaml.YAMLError, _StopReadingError):
        beginning._parse(text[: mark.index])  # noqa: SLF001 - another reader of this class
    return next(
        (complaint for complaint in beginning.complaints if complaint.code == "too_deep"), None
    )


def _error_line(error: yaml.YAMLError, text: str) -> int:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        return mark.line + 1 if mark else 1
    text_before = text.encode()[: getattr(error, "position", 0)]
    return text_before.count(b"\n") + 1


def _rewrite_surrogate_pairs(text: str) -> str:
    """Return the text; in the strings of JSON, with escapes that the parser accepts."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        parse_json(text.encode())
    except StrictJsonError:
        return text
    return "".join(_rewrite_escapes(text))


def _rewrite_escapes(text: str) -> Iterator[str]:
    end = 0
    for string in _JSON_STRING.finditer(text):
        yield text[end : string.start()]
        rewritten = _SURROGATE_PAIR.sub(_join_surrogates, string[0])
        yield _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", rewritten)
        end = string.end()
    yield text[end:]


def _join_surrogates(pair: re.Match[str]) -> str:
    high, low = int(pair[2], 16), int(pair[3], 16)
    return f"{pair[1]}\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"


class ScalarError(ValueError):
    """A scalar that is a number in YAML but not in I-JSON."""


def parse_plain_scalar(text: str) -> str | bool | int | float | None:
    """Return the value of a scalar without quotes; raise ScalarError."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        sign, digits = ("-", text[1:]) if text[0] == "-" else ("", text.lstrip("+"))
        return _parse_integer(sign, digits, 10)
    for base, pattern in _INTEGER_BY_BASE.items():
        if digits_of := pattern.fullmatch(text):
            return _parse_integer("", digits_of[1], base)
    if _FLOAT.fullmatch(text):
        return _parse_float(text)
    if _NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not finite: write a JSON number, or a text in quotes")
    return text


def _parse_integer(sign: str, digits: str, base: int) -> int:
    digits = digits.lstrip("0") or "0"
    number = int(sign + digits, base) if len(digits) <= _MAX_DIGITS else MAX_SAFE_INTEGER + 1
    if abs(number) > MAX_SAFE_INTEGER:
        raise ScalarError("An integer is beyond 2^53 - 1: write a text in quotes")
    return number


def _parse_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ScalarError("A number is beyond the range of a double: write a text in quotes")
    is_whole = number.is_integer() and abs(number) <= MAX_SAFE_INTEGER
    return int(number) if is_whole else number
