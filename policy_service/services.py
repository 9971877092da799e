"""The services of one process: the ledger, its caches, metrics, signer and queue."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy_service.access.caller import CallerLedger
from policy_service.access.key_usage import KeyUsage
from policy_service.access.keys import Keyring
from policy_service.decisions.precompute import Precomputer
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import PolicyCache
from policy_service.policies.workspace_transaction import WorkspaceLedger

if TYPE_CHECKING:
    from audit.evidence.checkpoint_signer import CheckpointSigner
    from audit.stores.contract import Store
    from policy_service.access.keys import Key
    from policy_service.access.rate_limit import RateLimit
    from policy_service.replays.replay_queue import ReplayQueue


@dataclass(frozen=True, slots=True)
class Services:
    """The services that views use; safe to share between threads."""

    store: Store
    policies: PolicyCache = field(default_factory=PolicyCache)
    keyring: Keyring = field(default_factory=Keyring)
    key_usage: KeyUsage = field(default_factory=KeyUsage)
    rate_limit: RateLimit | None = None
    metrics: DecisionMetrics = field(default_factory=DecisionMetrics)
    checkpoints: CheckpointSigner | None = None
    """None if nothing is signed or proved, as at the command line."""
    replays: ReplayQueue | None = None
    """None if there is no queue, as at the command line."""
    precomputer: Precomputer = field(default_factory=Precomputer)

    def ledger(self, caller: Key | None) -> CallerLedger:
        """Return the ledger as a caller uses it; None for a person at the command line."""
        return CallerLedger(self.store, self.keyring, caller)

    def workspace_ledger(self, caller: Key | None, workspace: str) -> WorkspaceLedger:
        """Return the ledger of a workspace as a caller uses it."""
        return WorkspaceLedger(self.ledger(caller), self.policies, workspace)

    def stop(self) -> None:
        """Stop the queue and write the last uses of keys, before the process ends."""
        if self.replays:
            self.replays.stop()
        self.key_usage.write(self.store)
