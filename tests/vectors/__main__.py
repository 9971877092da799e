"""Write the vectors again, or pack a ledger of today's format.

Usage: python -m tests.vectors leaves|decisions|digests|ledger-FORMAT ...

Write vectors only if a change of bytes is intended, and read the difference before you commit it.
A packed ledger is never written again: it proves that later code reads what this code wrote.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.examples.edits import document, edits, read_edit
from tests.examples.sample import shipped
from tests.scenarios.runner import own_scenarios, run
from tests.vectors.digests import digests
from tests.vectors.exchanges import Exchange, write_exchanges
from tests.vectors.ledgers import bundle_facts, export_logs, pack, write_json
from tests.vectors.pinned import STORED, pinned
from tests.vectors.service import init_ledger, open_service
from tests.vectors.story import make_ledger

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tests.vectors.service import Service

Json = Any

DECISIONS = "/v1/decisions"
STEP_OF_EXAMPLES = 14
"""One of so many conversations of the sample is decided under each example."""


class Recorder:
    """Sends requests to the service and records them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.exchanges: list[Exchange] = []

    def send(self, role: str, method: str, path: str, body: Json = None, status: int = 200) -> str:
        """Send a request that must have this status; return the response's body."""
        response = self._service.request(role, method, path, body)
        assert response.status_code == status, f"{method} {path}: {response.text}"
        self.exchanges.append(Exchange.of(response, role, body))
        return response.text

    def get(self, role: str, path: str) -> dict[str, Json]:
        """Return the JSON of a GET request."""
        value: dict[str, Json] = json.loads(self.send(role, "GET", path))
        return value

    def decide(self, event: Mapping[str, Json]) -> dict[str, Json]:
        """Send an event; return its decision."""
        decision: dict[str, Json] = json.loads(self.send("platform", "POST", DECISIONS, event))
        return decision

    def batch(self, events: Iterable[Mapping[str, Json]]) -> None:
        """Send many events in one request."""
        lines = "".join(f"{json.dumps(each)}\n" for each in events)
        self.send("platform", "POST", f"{DECISIONS}/batch", lines)

    def activate(self, workspace: str, number: int, written: Json, **how: Json) -> None:
        """Propose, approve and activate a document as the version of this number."""
        versions = f"/v1/workspaces/{workspace}/versions"
        self.send("author", "POST", versions, {"document": written}, 201)
        digest = self.get("author", f"{versions}/{number}")["digest"]
        self.send("approver", "POST", f"{versions}/{number}/approve", {"digest": digest})
        self.send("approver", "POST", f"{versions}/{number}/activate", how)

    def builtin(self) -> dict[str, Json]:
        """Return the document that decides in a new workspace."""
        tree: dict[str, Json] = self.get("author", "/v1/workspaces/new/policy")["document"]
        return tree


def scenarios(recorder: Recorder) -> None:
    """Each conversation of tests/scenarios, in a workspace for each document.

    Documents with office hours are refused as long as these are not kept.
    """
    builtin = recorder.builtin()
    workspaces = {json.dumps(builtin, sort_keys=True): "w-0"}
    for scenario in own_scenarios():
        if scenario.settings.get("office_hours"):
            continue
        written = json.dumps(scenario.document, sort_keys=True)
        if written not in workspaces:
            workspaces[written] = f"w-{len(workspaces)}"
            recorder.activate(workspaces[written], 2, scenario.document)
        run(scenario, recorder.decide, workspaces[written])


def sample() -> list[dict[str, Json]]:
    """Return the events of the shipped sample."""
    return [json.loads(line) for line in shipped().splitlines()]


def moved(events: Iterable[Mapping[str, Json]], workspace: str) -> list[dict[str, Json]]:
    """Return the events as events of another workspace."""
    return [{**each, "workspace": {**each["workspace"], "id": workspace}} for each in events]


def conversations(events: Iterable[Mapping[str, Json]], step: int) -> list[Mapping[str, Json]]:
    """Return the events of each conversation whose number is a multiple of `step`."""
    return [each for each in events if int(each["conversation"]["id"][2:]) % step == 0]


def the_sample(recorder: Recorder) -> None:
    """The shipped sample in one batch, under the built-in document."""
    recorder.batch(sample())


def examples(recorder: Recorder) -> None:
    """Some conversations of the sample under each document of docs/examples."""
    some = conversations(sample(), STEP_OF_EXAMPLES)
    for file in edits():
        recorder.activate(file.stem, 2, document(read_edit(file)))
        recorder.batch(moved(some, file.stem))


def trials(recorder: Recorder) -> None:
    """A version for a share of the conversations, one in the shadow, then one for all at once."""
    some = conversations(sample(), 6)
    third, two_thirds = len(some) // 3, 2 * len(some) // 3
    recorder.decide(some[0])
    redirecting, repeating, off = (
        document(read_edit(file)) for file in edits() if file.name[:2] in {"05", "10", "01"}
    )
    recorder.activate("acme", 2, repeating, percent=40)
    recorder.batch(some[:third])
    recorder.activate("acme", 3, off, shadow=True)
    recorder.batch(some[third:two_thirds])
    recorder.activate("acme", 4, redirecting, apply_to_running=True)
    recorder.batch(some[two_thirds:])


def explanations(recorder: Recorder) -> None:
    """Explanations, dry runs, an event that is sent again, and refused events."""
    first, *others = conversations(sample(), 6)[:6]
    asked = {"event": {**first, "id": "tried"}}
    decided = "/v1/workspaces/acme/decisions"
    for event in (first, *others, first):
        recorder.decide(event)
    for event in (first, *others[:3]):
        recorder.send("auditor", "GET", f"{decided}/{event['id']}/explanation")
    recorder.send("auditor", "GET", f"{decided}/{first['id']}")
    for supposed in (
        {},
        {"stage": "awaiting_answer", "asks": 1},
        {"version": 1, "stage": "new"},
        {"document": {**recorder.builtin(), "title": "Tried"}, "stage": "qualifying"},
    ):
        body = {**asked, **supposed}
        recorder.send("author", "POST", f"{DECISIONS}/dry-run", body)
    another = {**first, "occurred_at": "2026-03-02T07:00:00Z"}
    recorder.send("platform", "POST", DECISIONS, another, 409)
    recorder.send("platform", "POST", DECISIONS, {**first, "type": "nothing"}, 400)
    recorder.batch([another, first, {"id": "no event"}])


GROUPS = {
    "exchanges-scenarios.ndjson.zst": scenarios,
    "exchanges-sample.ndjson.zst": the_sample,
    "exchanges-examples.ndjson.zst": examples,
    "exchanges-trials.ndjson.zst": trials,
    "exchanges-explanations.ndjson.zst": explanations,
}


@contextmanager
def workshop() -> Iterator[Path]:
    """Make a folder for the duration of the block."""
    with TemporaryDirectory(prefix="vectors-") as folder:
        yield Path(folder)


def write_decisions() -> None:
    """Store the exchanges of each group, each on a ledger of its own."""
    for name, group in GROUPS.items():
        with workshop() as folder, pinned() as clock:
            tokens = init_ledger(folder / "data")
            with open_service(folder / "data", tokens, clock) as service:
                recorder = Recorder(service)
                group(recorder)
        write_exchanges(STORED / name, recorder.exchanges)


def write_leaves() -> None:
    """Store the leaves and the bundle hashes of a ledger with every kind of entry."""
    with workshop() as folder, pinned() as clock:
        make_ledger(folder / "data", clock)
        bundles = export_logs(folder / "data", folder / "bundles")
        for log, bundle in bundles.items():
            shutil.copyfile(bundle / "entries.ndjson", STORED / f"leaves-{log}.ndjson")
        write_json("bundles.json", {log: bundle_facts(bundle) for log, bundle in bundles.items()})


def write_digests() -> None:
    """Store the digests of the documents."""
    with workshop() as folder, pinned() as clock:
        write_json("digests.json", digests(folder / "data", clock))


def pack_ledger(name: str) -> None:
    """Store a whole ledger under a new name, and the facts that must stay true of it."""
    with workshop() as folder, pinned(distinct=True) as clock:
        tokens = make_ledger(folder / "data", clock)
        bundles = export_logs(folder / "data", folder / "bundles")
        pack(folder / "data", STORED / f"{name}.tar.gz")
        held = {log: bundle_facts(bundle) for log, bundle in bundles.items()}
        write_json(f"{name}.json", {"tokens": tokens, "bundles": held})


def main(*names: str) -> None:
    """Write the vectors of these names."""
    makers = {"leaves": write_leaves, "decisions": write_decisions, "digests": write_digests}
    if not names:
        sys.exit(__doc__)
    for name in names:
        if name.startswith("ledger-"):
            pack_ledger(name)
        else:
            makers[name]()


if __name__ == "__main__":
    main(*sys.argv[1:])
