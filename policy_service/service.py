"""What one process of the service holds: the ledger, and what it remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy_service.decide import Drafts
from policy_service.keys import Keyring
from policy_service.policies import Policies
from policy_service.uses import Uses

if TYPE_CHECKING:
    from audit.store import Store
    from policy_service.checkpoints import Checkpoints
    from policy_service.rate import RateLimit
    from policy_service.replays import Replays


class Counts:
    """Is told what happens; this one does nothing with it. `metrics.Metrics` counts."""

    def decided(self, outcome: str, *, replayed: bool) -> None:
        """An event was answered with a decision, `replayed` with the one that it had."""

    def refused(self, code: str) -> None:
        """A request, or a line of a batch, was refused with this code."""


@dataclass(frozen=True, slots=True)
class Service:
    """Passed to every use case and view; safe to share between threads."""

    store: Store
    policies: Policies = field(default_factory=Policies)
    keyring: Keyring = field(default_factory=Keyring)
    uses: Uses = field(default_factory=Uses)
    rate: RateLimit | None = None
    counts: Counts = field(default_factory=Counts)
    checkpoints: Checkpoints | None = None
    """None where nothing is signed or proved, as at the command line."""
    replays: Replays | None = None
    """None where nobody asks for any, as at the command line."""
    drafts: Drafts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drafts", Drafts(self.policies, self.store))

    def stop(self) -> None:
        """Write what is remembered and not written yet; nothing more is asked of the service."""
        if self.replays:
            self.replays.stop()
        self.uses.write(self.store)
