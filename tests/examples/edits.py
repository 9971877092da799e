"""Edits of the built-in document, and the whole documents that they make.

An edit contains the members of a document that it changes. `settings`, `facts` and the texts of
`messages` override the built-in ones; phrases, properties and tests are added. A guard or rule with
a known id is changed in the given members; a new one is inserted `before` another.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import yaml

from rules.formats.document_text import read_yaml
from rules.model import builtin
from tests.folders import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "docs" / "examples"


def edits() -> list[Path]:
    """Return the files of all edits, in order."""
    return sorted(FOLDER.glob("[0-9][0-9]-*.yaml"))


def read_edit(file: Path) -> dict[str, Any]:
    value: dict[str, Any] = deepcopy(read_yaml(file.read_text(encoding="utf-8")).value)
    return value


def document(edit: dict[str, Any]) -> str:
    """Return the whole document that an edit makes, as YAML."""
    tree: dict[str, Any] = deepcopy(dict(builtin.load_tree()))
    for member, given in edit.items():
        _EDITED[member](tree, member, given)
    written: str = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=10_000)
    return written


def _over(tree: dict[str, Any], member: str, given: dict[str, Any]) -> None:
    tree[member] = {**tree.get(member, {}), **given}


def _texts(tree: dict[str, Any], member: str, given: dict[str, Any]) -> None:
    for language, texts in given.items():
        _over(tree[member], language, texts)


def _phrases(tree: dict[str, Any], member: str, given: dict[str, Any]) -> None:
    for choice, phrases in given.items():
        _added(tree[member], choice, phrases)


def _added(tree: dict[str, Any], member: str, given: list[Any]) -> None:
    tree[member] = [*tree.get(member, ()), *given]


def _rules(tree: dict[str, Any], member: str, given: list[dict[str, Any]]) -> None:
    for rule in given:
        ids = [each["id"] for each in tree[member]]
        if rule["id"] in ids:
            tree[member][ids.index(rule["id"])].update(rule)
        else:
            tree[member].insert(ids.index(rule.pop("before")), rule)


def _nothing(tree: dict[str, Any], member: str, given: str) -> None:
    """Leave the reason of an edit out of the document."""


_EDITED: dict[str, Any] = {
    "why": _nothing,
    "settings": _over,
    "facts": _over,
    "messages": _texts,
    "answers": _phrases,
    "guards": _rules,
    "rules": _rules,
    "properties": _added,
    "tests": _added,
}
