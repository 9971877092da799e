"""The shapes of what explains decisions, as they are described to clients."""

from __future__ import annotations

from typing import Any

from typing_extensions import TypedDict

from policy_service.api.shapes import STRICT, Decision

Fact = str | bool | int | float


class Failed(TypedDict):
    """The first test of a rule that did not hold."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    fact: str
    """Its name; `any` where none of the alternatives held."""
    expected: Any
    """The test as the document writes it, settings in place of their names."""
    actual: Any
    """Null for an unknown fact."""


class Tried(TypedDict):
    """One rule that was asked."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    rule: str
    held: bool
    failed: Failed | None
    """Null where it held."""


class Explanation(TypedDict):
    """A decision, the facts it rests on, and every rule up to the one that held."""

    __pydantic_config__ = STRICT  # type: ignore[misc]
    decision: Decision
    facts: dict[str, Fact]
    tried: list[Tried]
