"""The built-in document: what every workspace starts on, and the defaults of format 1.

It is part of the program, read from the package once.
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
    """The built-in document as it is written, in YAML."""
    return files("rules.model").joinpath("documents", "builtin.yaml").read_text(encoding="utf-8")


@cache
def load_tree() -> Mapping[str, Any]:
    """The built-in document as plain values, which nobody changes."""
    read: Mapping[str, Any] = read_yaml(load_text()).value
    return read
