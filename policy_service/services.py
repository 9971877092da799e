"""What one process of the service holds: the ledger, and what it remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy_service.access.key_usage import KeyUsage
from policy_service.access.keys import Keyring
from policy_service.decisions.precompute import Precomputer
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import PolicyCache

if TYPE_CHECKING:
    from audit.evidence.checkpoint_signer import CheckpointSigner
    from audit.stores.contract import Store
    from policy_service.access.rate_limit import RateLimit
    from policy_service.replays.replay_queue import ReplayQueue


@dataclass(frozen=True, slots=True)
class Services:
    """Passed to every use case and view; safe to share between threads."""

    store: Store
    policies: PolicyCache = field(default_factory=PolicyCache)
    keyring: Keyring = field(default_factory=Keyring)
    key_usage: KeyUsage = field(default_factory=KeyUsage)
    rate_limit: RateLimit | None = None
    metrics: DecisionMetrics = field(default_factory=DecisionMetrics)
    checkpoints: CheckpointSigner | None = None
    """None where nothing is signed or proved, as at the command line."""
    replays: ReplayQueue | None = None
    """None where nobody asks for any, as at the command line."""
    precomputer: Precomputer = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "precomputer", Precomputer(self.policies, self.store))

    def stop(self) -> None:
        """Write what is remembered and not written yet; nothing more is asked of the service."""
        if self.replays:
            self.replays.stop()
        self.key_usage.write(self.store)
