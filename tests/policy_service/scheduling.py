"""The service with the system's clock, which freezegun sets, and scheduled activations."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

from freezegun import freeze_time

from audit.stores.sqlite.store import SqliteStore
from tests.policy_service.api_client import Api, Clock, document, event, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger


_numbers = count()
"""Numbers for event ids, each used once."""


@contextmanager
def freeze_at(moment: str) -> Iterator[None]:
    """Freeze the clock at this time."""
    with freeze_time(moment, ignore=["tests.served"]):
        yield


@contextmanager
def open_service(folder: Path, first: KeyedLedger) -> Iterator[Api]:
    """Open the service with the system's clock, started until it is stopped."""
    with SqliteStore.open(folder) as store:
        yield Api(store, Clock(), first)


def approved(api: Api, title: str = "Two", workspace: str = "acme") -> int:
    proposed = api.propose(document(title), workspace)
    number = int(proposed["version"])
    read(api.step(number, "approve", workspace=workspace, digest=proposed["digest"]))
    return number


def schedule_activation(api: Api, number: int, due: str, **how: Any) -> None:
    """Schedule the activation of an approved version at this time."""
    workspace = how.pop("workspace", "acme")
    response = api.step(number, "activate", workspace=workspace, at=due, **how)
    assert response.status_code == 200, response.text
    assert read(response)["scheduled"], "it is to come"


def deciding_version(api: Api, conversation: str = "c-1") -> int:
    """Return the version that decides a new conversation now."""
    sent = event(
        f"{conversation}-{next(_numbers)}",
        type="conversation.closed",
        message=None,
        conversation={"id": conversation},
    )
    return int(api.decide(sent)["policy"]["version"])


def activation_steps(store: SqliteStore, workspace: str = "acme") -> list[tuple[str, int]]:
    """Return the activations in the ledger: kind and version."""
    with store.read() as view:
        leaves = [entry.value for entry in view.entries_of_family(workspace, "version.")]
    done = ("activated", "suspended", "retired")
    result = [(leaf["kind"].removeprefix("version."), leaf["version"]) for leaf in leaves]
    return [step for step in result if step[0] in done and step != ("activated", 1)]
