"""A rule document during its checks: the parts that have the right shape.

Nothing here complains. A part of a wrong shape is skipped; the check of the shape reports it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.errors import Complaint, json_pointer
from rules.model import builtin
from rules.model.document import OTHERWISE
from rules.model.vocabulary import ATTRIBUTE_TYPES, FACTS, SETTING_FACTS, Fact, FactType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class TreeNode(NamedTuple):
    """A place in a document: its JSON pointer and its value."""

    pointer: str
    value: Any

    def complain(self, code: str, message: str) -> Complaint:
        """Return a complaint about this place."""
        return Complaint(self.pointer, code, message)

    def member(self, key: str) -> TreeNode:
        """Return the member of a mapping; its value is None if it is absent."""
        return TreeNode(self.pointer + json_pointer(key), self.value.get(key))

    def mapping(self, key: str) -> TreeNode:
        """Return the member if it is a mapping, else an empty mapping."""
        member = self.member(key)
        return member if isinstance(member.value, dict) else member._replace(value={})

    def members(self) -> Iterator[tuple[str, TreeNode]]:
        """Return the members of a mapping, in order."""
        for key, value in self.value.items():
            yield key, TreeNode(self.pointer + json_pointer(key), value)

    def items(self) -> Iterator[TreeNode]:
        """Return the items of a list, in order; nothing if it is not a list."""
        if isinstance(self.value, list):
            for number, item in enumerate(self.value):
                yield TreeNode(self.pointer + json_pointer(number), item)

    def mappings(self) -> Iterator[TreeNode]:
        """Return the items that are mappings."""
        return (item for item in self.items() if isinstance(item.value, dict))


class ActionNode(NamedTuple):
    """An action as written, and its rule; None if a setting lists the action."""

    node: TreeNode
    rule: TreeNode | None


@dataclass(frozen=True)
class DocumentTree:
    """The tree of a document whose root is a mapping."""

    values: Mapping[str, Any]

    @property
    def root(self) -> TreeNode:
        """The root of the document."""
        return TreeNode("", self.values)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """The document's settings over the defaults."""
        return {**builtin.load_tree()["settings"], **self.root.mapping("settings").value}

    @cached_property
    def messages(self) -> dict[str, dict[str, str]]:
        """The texts by language and key, over those of the built-in document."""
        texts_by_tag = {tag: dict(texts) for tag, texts in builtin.load_tree()["messages"].items()}
        for tag, texts in self.root.mapping("messages").members():
            if isinstance(texts.value, dict):
                of_tag = texts_by_tag.setdefault(tag, {})
                of_tag |= {k: text for k, text in texts.value.items() if isinstance(text, str)}
        return texts_by_tag

    @cached_property
    def facts(self) -> dict[str, Fact]:
        """Every fact that the document may test: of the language, its settings, its attributes."""
        attributes = (
            _parse_declaration(*member) for member in self.root.mapping("facts").members()
        )
        return FACTS | SETTING_FACTS | {fact.name: fact for fact in attributes if fact}

    def rules(self) -> Iterator[TreeNode]:
        """Guards and rules, in order."""
        yield from self.root.member("guards").mappings()
        yield from self.root.member("rules").mappings()

    def whens(self) -> Iterator[TreeNode]:
        """Every `when`, of rules and of actions."""
        for rule in self.rules():
            if "when" in rule.value:
                yield rule.member("when")
        for action in self.actions():
            if isinstance(action.node.value, dict) and "when" in action.node.value:
                yield action.node.member("when")

    def actions(self) -> Iterator[ActionNode]:
        """Every action: of rules, of `otherwise`, and of the settings that list actions."""
        for rule in (*self.rules(), self.root.mapping(OTHERWISE)):
            for action in rule.member("actions").items():
                yield ActionNode(action, rule)
        for action in self.root.mapping("settings").member("lead_follow_up").items():
            yield ActionNode(action, None)


def _parse_declaration(name: str, declaration: TreeNode) -> Fact | None:
    """Return a custom attribute; None if its declaration is invalid."""
    tree = declaration.value
    if not isinstance(tree, dict) or tree.get("type") not in ATTRIBUTE_TYPES:
        return None
    values = tree.get("values")
    texts = tuple(v for v in values if isinstance(v, str)) if isinstance(values, list) else ()
    return Fact(name, FactType(tree["type"]), "an attribute", texts, tree.get("personal") is True)
