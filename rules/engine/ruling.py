"""The ruling of a rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model.document import Action


@dataclass(frozen=True, slots=True)
class Ruling:
    """The result of deciding.

    `rule` is `otherwise` if no rule matched. `stage` is None if the stage stays. `actions` are
    those whose conditions match, in order.
    """

    rule: str
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Action, ...]
