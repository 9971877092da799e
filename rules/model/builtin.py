"""The built-in document: the first version of every workspace, and the defaults of format 1.

It is part of the package and is read once.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from rules.formats.document_text import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping


@cache
def load_text() -> str:
    """Return the built-in document as YAML text."""
    return files("rules.model").joinpath("documents", "builtin.yaml").read_text(encoding="utf-8")


@cache
def load_tree() -> Mapping[str, Any]:
    """Return the built-in document as plain values. Do not change them."""
    read: Mapping[str, Any] = read_yaml(load_text()).value
    return read
