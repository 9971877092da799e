"""Random steps of versions under changing approval requirements, held against the law itself."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.policies.activation import Activation, apply_due_activations, enter_activation
from policy_service.policies.policy_cache import PolicyCache
from policy_service.policies.requirements import enter_required_approvals
from policy_service.policies.versions import enter_approval, enter_proposal, enter_rejection
from policy_service.policies.workspace_transaction import WorkspaceTransaction
from policy_service.problems import ProblemError
from tests.depth import DEPTH
from tests.fakes.memory_store import MemoryStore
from tests.properties.strategies import STEADY
from tests.properties.two_services import checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.stores.contract import Transaction

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE = ("key-ada", "key-bob", "key-eve")
WAYS = (
    Activation(),
    Activation(shadow=True),
    Activation(percent=30),
    Activation(apply_to_running=True),
)
Step = tuple[str, str, int, int]

steps = st.tuples(
    st.sampled_from(
        ("propose", "approve", "approve", "activate", "later", "later", "require", "reject")
    ),
    st.sampled_from(PEOPLE),
    st.integers(0, 1),
    st.integers(0, 3),
)


def take(tx: Transaction, policies: PolicyCache, number: int, step: Step) -> None:
    """Take the step on one of the newest versions."""
    what, by, back, pick = step
    transaction = WorkspaceTransaction(tx, policies, "acme", by)
    versions = apply_due_activations(transaction)
    version = max(1, len(versions.records) - back)
    record = versions.records[version]
    match what:
        case "propose":
            enter_proposal(transaction, checked(number % 6, 0), supersede=True)
        case "approve":
            enter_approval(transaction, version, record.digest)
        case "activate":
            enter_activation(transaction, version, WAYS[pick])
        case "later":
            later = tx.now + timedelta(minutes=2 + pick)
            enter_activation(transaction, version, Activation(at=later))
        case "require":
            enter_required_approvals(transaction, pick, "so many")
        case "reject":
            enter_rejection(transaction, version, "No")


def unlawful(leaves: Sequence[dict[str, Any]]) -> list[int]:
    """Return the indices of activations that lack approvals or come after the version's end."""
    required, found = 1, []
    authors: dict[int, str] = {}
    approvers: dict[int, set[str]] = {}
    ended: set[int] = set()
    activated: set[int] = set()
    for index, leaf in enumerate(leaves):
        number: int = leaf.get("version", 0)
        match leaf["kind"]:
            case "version.proposed":
                authors[number], approvers[number] = leaf["by"], set()
            case "version.approvals":
                required = leaf["count"]
            case "version.approved":
                approvers[number].add(leaf["by"])
            case "version.rejected" | "version.superseded":
                ended.add(number)
            case "version.activated":
                enough = len(approvers[number] - {authors[number]}) >= required
                first = number not in activated and authors[number] != "system"
                if number in ended or (first and not enough):
                    found.append(index)
                activated.add(number)
    return found


@settings(STEADY, max_examples=80 * DEPTH)
@given(st.lists(steps, min_size=10, max_size=40))
def test_activation_requires_the_approvals_required_at_that_time(taken: list[Step]) -> None:
    """A first activation has the required approvals of other keys.

    The verifier computes this in its own way and agrees.
    """
    now = [NOON]
    store, policies = MemoryStore(lambda: now[0]), PolicyCache()
    for number, step in enumerate(taken):
        now[0] += timedelta(minutes=1)
        with suppress(ProblemError):
            store.transact(partial(take, policies=policies, number=number, step=step))
    with store.read() as view:
        assert unlawful([dict(entry.value) for entry in view.entries("acme")]) == []
        assert [found for report in verify_ledger(view) for found in report.findings] == []
