"""What one process of the service holds: the ledger, and what it remembers of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from policy_service.keys import Keyring
from policy_service.policies import Policies

if TYPE_CHECKING:
    from audit.store import Store
    from policy_service.rate import RateLimit


@dataclass(frozen=True, slots=True)
class Service:
    """Passed to every use case and view; safe to share between threads."""

    store: Store
    policies: Policies = field(default_factory=Policies)
    keyring: Keyring = field(default_factory=Keyring)
    rate: RateLimit | None = None
