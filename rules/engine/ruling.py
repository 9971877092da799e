"""What a rule says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rules.model.document import Action


@dataclass(frozen=True, slots=True)
class Ruling:
    """The outcome of deciding.

    `rule` is `otherwise` where none held, `stage` None where the stage stays, `actions` those whose
    conditions hold, in order.
    """

    rule: str
    outcome: str
    reason: str
    stage: str | None
    actions: tuple[Action, ...]
