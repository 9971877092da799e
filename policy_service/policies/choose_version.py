"""The version that decides an event, and the one in the shadow next to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from policy_service.policies.policy_cache import BUILTIN_VERSION
from rules.engine.decide import decide
from rules.engine.facts import sample_bucket
from rules.model.vocabulary import WAITING_STAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.entry import Entry
    from audit.projections.versions import VersionRecord, Versions
    from audit.stores.contract import LookupKey
    from rules.engine.compiler import CompiledPolicy
    from rules.engine.decide import Decision
    from rules.engine.facts import Conversation
    from rules.model.event import Event


@dataclass(frozen=True, slots=True)
class ChosenPolicies:
    """The policy that decides, with its version; and the policy in the shadow, if there is one.

    `version` is None for a policy of a document that is not a version.
    """

    version: int | None
    policy: CompiledPolicy
    shadow: tuple[int, CompiledPolicy] | None = None

    def decide(
        self, event: Event, conversation: Conversation, decision_id: str
    ) -> tuple[Decision, Decision | None]:
        """Return the decision on an event, and that of the policy in the shadow."""
        decision = decide(self.policy, event, conversation, decision_id)
        if self.shadow is None:
            return decision, None
        return decision, decide(self.shadow[1], event, conversation, decision_id)


def choose_policies(
    versions: Versions,
    key: LookupKey,
    before: Entry | None,
    compiled: Callable[[str], CompiledPolicy],
) -> ChosenPolicies:
    """Return the policies for the next event of a conversation.

    `before` is the entry of its last decision. `compiled` returns the policy of a digest; its
    exceptions pass through.
    """
    record = choose_version(versions, key.log, key.conversation, before)
    shadow = None
    if versions.shadow is not None:
        shadow = versions.shadow, compiled(versions.records[versions.shadow].digest)
    return ChosenPolicies(record.number, compiled(record.digest), shadow)


def choose_version(
    versions: Versions, workspace: str, conversation: str, before: Entry | None
) -> VersionRecord:
    """Return the version that decides the next event of a conversation.

    1. While the conversation waits for something: the version of its last decision, unless it was
       moved to another version since.
    2. The version on trial, if the conversation's bucket belongs to its share.
    3. The active version.
    """
    pinned = None
    if before and before.value["stage"] in WAITING_STAGES:
        pinned = before.value["policy"]["version"], before.index
    place = sample_bucket(workspace, conversation) if versions.trial else 0
    number = versions.choose_version(pinned, place)
    return versions.records[BUILTIN_VERSION if number is None else number]
