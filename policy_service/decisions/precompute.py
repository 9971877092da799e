"""Decisions worked out before their transactions, while others commit.

Deciding is most of the work. Many requests do it at once; one at a time appends. No ledger is read
here: what a process remembers of a conversation may be old, and a precomputed decision that rests
on old facts is thrown away.
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
    from audit.stores.contract import PreparedEntry, Store
    from policy_service.policies.policy_cache import PolicyCache
    from rules.model.event import Event

MAX_CONVERSATIONS = 1024
"""Conversations whose last decision a process remembers; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class PrecomputedDecision:
    """A decision that is ready to be appended, and what of the log it rests on.

    `before` is the index of the conversation's last decision, None if there was none.
    """

    ready: PreparedEntry
    before: int | None
    versions: Versions

    def is_valid(self, before: int | None, versions: Versions) -> bool:
        """Return True if the log still says what the decision rests on."""
        return self.before == before and self.versions is versions


class Precomputer:
    """Works decisions out ahead, from what this process remembers; safe to share by threads."""

    def __init__(self, policies: PolicyCache, store: Store) -> None:
        self._policies = policies
        self._store = store
        self._latest: OrderedDict[tuple[str, str], Entry] = OrderedDict()

    def precompute(self, event: Event) -> PrecomputedDecision | None:
        """Return the event's decision; None if too little is remembered to make it."""
        workspace, conversation = event["workspace"]["id"], event["conversation"]["id"]
        versions, now = self._policies.cached_versions(workspace), self._store.now()
        if versions is None or has_due_activation(versions, now):
            return None
        before = self._latest.get((workspace, conversation))
        try:
            chosen = choose_policies(
                versions, workspace, conversation, before, self._policies.cached_policy
            )
        except KeyError:  # one of the policies is yet to be compiled
            return None
        leaf, personal = new_record(event, chosen, before, format_time(now))
        ready = self._store.prepare(workspace, leaf, personal)
        return PrecomputedDecision(ready, before.index if before else None, versions)

    def remember(self, decided: Entry) -> None:
        """Remember a decision as the newest of its conversation."""
        if len(self._latest) >= MAX_CONVERSATIONS:
            with suppress(KeyError):  # other threads were faster
                self._latest.popitem(last=False)
        self._latest[decided.log, decided.value["conversation"]] = decided
