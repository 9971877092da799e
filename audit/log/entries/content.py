"""The content of an entry, and its codec: a leaf of JSON members, read by the types of fields."""

from __future__ import annotations

from dataclasses import MISSING, Field, asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

from audit.errors import BadLeafError
from audit.log.leaf import FORMAT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from audit.log.leaf import EntryKind


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryContent:
    """The content of an entry: its time, as `format_time` writes it, and its log."""

    kind: ClassVar[EntryKind]
    at: str
    workspace: str

    def to_leaf(self) -> dict[str, Any]:
        """Return the leaf of this content."""
        leaf: dict[str, Any] = {"format": FORMAT, "kind": self.kind.value}
        for member in fields(self):
            value = getattr(self, member.name)
            if value is not None and value is not False:
                leaf[_name_in_leaf(member)] = _to_json(value)
        return leaf

    @classmethod
    def from_leaf(cls, leaf: Mapping[str, Any]) -> Self:
        """Return the content of a leaf of this kind; members that it does not have are ignored.

        Raises BadLeafError naming the first member that is missing or of another type.
        """
        return cls(**_read(cls, leaf))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOffContent(EntryContent):
    """The content of an entry that a key, or `system`, is responsible for."""

    by: str


@dataclass(frozen=True, slots=True)
class LostEntries:
    """A checkpoint that a restored log does not reach; `there` is the size that the log had."""

    log: str
    size: int
    root: str
    there: int


def _read(content: type[Any], leaf: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members of a class, read from JSON by the types of its fields."""
    return {member.name: _read_member(member, leaf) for member in fields(content)}


def _read_member(member: Field[Any], leaf: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as its field
    name = _name_in_leaf(member)
    value = leaf.get(name)
    if value is None and member.default is not MISSING:
        return member.default
    is_right, convert = _TYPES[str(member.type).removesuffix(" | None")]
    if not is_right(value):
        raise BadLeafError(f"the {leaf.get('kind', 'entry')} has no `{name}` of the right type")
    return convert(value) if convert else value


def _name_in_leaf(member: Field[Any]) -> str:
    return str(member.metadata.get("name", member.name))


def _to_json(value: object) -> object:
    if isinstance(value, tuple):
        return [_to_json(each) for each in value]
    return asdict(value) if isinstance(value, LostEntries) else value


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_list_of(is_right: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(is_right, value))


def _read_lost(items: list[Mapping[str, Any]]) -> tuple[LostEntries, ...]:
    return tuple(LostEntries(**_read(LostEntries, item)) for item in items)


_TYPES: Mapping[str, tuple[Callable[[object], bool], Callable[[Any], Any] | None]] = {
    "str": (_is_text, None),
    "int": (_is_integer, None),
    "bool": (lambda value: isinstance(value, bool), None),
    "tuple[int, ...]": (_is_list_of(_is_integer), tuple),
    "tuple[str, ...]": (_is_list_of(_is_text), tuple),
    "tuple[LostEntries, ...]": (_is_list_of(lambda item: isinstance(item, dict)), _read_lost),
}
"""For each type of a field: a test of the JSON value, and its conversion if it needs one."""
