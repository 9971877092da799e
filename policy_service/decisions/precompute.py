"""Decisions computed before their transactions, while other requests commit.

To decide is most of the work. Many requests decide at the same time; one at a time appends. The
ledger is not read here. If the cached state of a conversation is old, the transaction discards the
precomputed decision.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.entry import format_time
from policy_service.decisions.record import new_record
from policy_service.policies.activation import has_due_activation
from policy_service.policies.choose_version import choose_policies

if TYPE_CHECKING:
    from audit.entry import Entry
    from audit.projections.versions import Versions
    from audit.stores.contract import LookupKey, PreparedEntry, Store
    from policy_service.policies.policy_cache import PolicyCache
    from rules.model.event import Event

MAX_CONVERSATIONS = 1024
"""The size of the cache of last decisions; the oldest is removed first."""


@dataclass(frozen=True, slots=True)
class PrecomputedDecision:
    """A decision that is ready to be appended, and the state of the log that it depends on.

    `before` is the index of the conversation's last decision, None if there was none.
    """

    ready: PreparedEntry
    before: int | None
    versions: Versions

    def is_valid(self, before: int | None, versions: Versions) -> bool:
        """Return True if the log still has the state that the decision depends on."""
        return self.before == before and self.versions is versions


class Precomputer:
    """A cache of last decisions that decides ahead; safe to share between threads."""

    def __init__(self) -> None:
        self._latest: OrderedDict[tuple[str, str], Entry] = OrderedDict()

    def precompute(
        self, store: Store, policies: PolicyCache, event: Event, key: LookupKey
    ) -> PrecomputedDecision | None:
        """Return the event's decision; None if the caches hold too little to make it."""
        versions, now = policies.cached_versions(key.log), store.now()
        if versions is None or has_due_activation(versions, now):
            return None
        before = self._latest.get((key.log, key.conversation))
        try:
            chosen = choose_policies(versions, key, before, policies.cached_policy)
        except KeyError:  # one of the policies is yet to be compiled
            return None
        leaf, personal = new_record(event, chosen, before, format_time(now))
        ready = store.prepare(key.log, leaf, personal)
        return PrecomputedDecision(ready, before.index if before else None, versions)

    def remember(self, decided: Entry) -> None:
        """Remember a decision as the newest of its conversation."""
        if len(self._latest) >= MAX_CONVERSATIONS:
            with suppress(KeyError):  # other threads were faster
                self._latest.popitem(last=False)
        self._latest[decided.log, decided.value["conversation"]] = decided
