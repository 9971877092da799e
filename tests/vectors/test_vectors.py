"""The service writes and returns the same bytes as when the vectors were stored.

`python -m tests.vectors` writes the vectors. Bundles, checkpoints and proofs that
others keep must stay valid: never accept other bytes to make a test pass.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.vectors.digests import digests
from tests.vectors.exchanges import exchange_files, read_exchanges
from tests.vectors.ledgers import (
    LOGS,
    bundle_facts,
    export_logs,
    packed_ledgers,
    stored_json,
    unpack,
)
from tests.vectors.pinned import STORED, pinned
from tests.vectors.service import command, init_ledger, open_service
from tests.vectors.story import ACME, event, make_ledger

if TYPE_CHECKING:
    from tests.vectors.exchanges import Exchange

ARCHITECTURE = Path(__file__).parents[2] / "docs" / "architecture.md"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The bundles of a ledger with every kind of entry, by the name of the log."""
    folder = tmp_path_factory.mktemp("story")
    with pinned() as clock:
        make_ledger(folder / "data", clock)
        return export_logs(folder / "data", folder / "bundles")


def stored_leaves(log: str) -> list[bytes]:
    """Return the canonical bytes of each stored leaf of a log."""
    return (STORED / f"leaves-{log}.ndjson").read_bytes().splitlines()


@pytest.mark.parametrize("log", LOGS)
def test_leaves_are_the_same_bytes(bundles: dict[str, Path], log: str) -> None:
    written = (bundles[log] / "entries.ndjson").read_bytes().splitlines()
    for index, (leaf, stored) in enumerate(zip_longest(written, stored_leaves(log))):
        assert leaf == stored, f"entry {index} of {log}"


@pytest.mark.parametrize("log", LOGS)
def test_leaf_hash_is_sha256_of_a_zero_byte_and_the_leaf(
    bundles: dict[str, Path], log: str
) -> None:
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in stored_leaves(log)]
    assert (bundles[log] / "hashes").read_bytes() == b"".join(hashes)


@pytest.mark.parametrize("log", LOGS)
def test_bundle_and_signed_checkpoint_are_the_same_bytes(
    bundles: dict[str, Path], log: str
) -> None:
    assert bundle_facts(bundles[log]) == stored_json("bundles.json")[log]


def test_every_documented_kind_of_leaf_is_stored() -> None:
    table = ARCHITECTURE.read_text(encoding="utf-8").partition("| kind |")[2].partition("\n\n")[0]
    cells = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    documented = {kind for cell in cells for kind in re.findall(r"`([a-z.]+)`", cell)}
    leaves = [json.loads(leaf) for log in LOGS for leaf in stored_leaves(log)]
    stored = {leaf["kind"] for leaf in leaves}
    assert stored == documented - {"system"}


@pytest.mark.parametrize("file", exchange_files(), ids=lambda file: file.name.split(".")[0])
def test_decisions_are_the_same_bytes(file: Path, tmp_path: Path) -> None:
    """Decisions, explanations and dry runs; of a refused event its code."""
    with pinned() as clock:
        tokens = init_ledger(tmp_path / "data")
        with open_service(tmp_path / "data", tokens, clock) as service:
            for number, stored in enumerate(read_exchanges(file)):
                assert_same(stored, stored.repeated(service), f"exchange {number}")


def assert_same(stored: Exchange, repeated: Exchange, where: str) -> None:
    """Compare line by line, to show the first that differs."""
    assert repeated.status == stored.status, f"{where}, {stored.method} {stored.path}"
    lines = ((each.held or "").splitlines() for each in (repeated, stored))
    for number, (line, expected) in enumerate(zip_longest(*lines)):
        assert line == expected, f"{where}, {stored.method} {stored.path}, line {number}"
    assert repeated == stored


def test_digests_of_documents_are_the_same(tmp_path: Path) -> None:
    with pinned() as clock:
        assert digests(tmp_path / "data", clock) == stored_json("digests.json")


class OldLedger(NamedTuple):
    """A copy of a ledger that earlier code wrote, and the facts that were stored with it."""

    data: Path
    stored: dict[str, Any]


@pytest.fixture(params=packed_ledgers(), ids=lambda file: file.name.split(".")[0])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> OldLedger:
    unpack(request.param, tmp_path / "data")
    return OldLedger(tmp_path / "data", stored_json(request.param.name.replace(".tar.gz", ".json")))


def assert_sound(data: Path) -> None:
    """Verify and replay the ledger; `command` fails if there is a finding or a difference."""
    verified = json.loads(command("verify", "--data", data, "--json"))
    assert {log["log"]: log["findings"] for log in verified["logs"]} == {"acme": [], "system": []}
    replayed = json.loads(command("replay", "--data", data, "--json"))["workspaces"]
    assert [log["differences"] for log in replayed if log["decisions"]] == [[]]


def test_an_old_ledger_is_sound_and_exports_the_same_bytes(old: OldLedger, tmp_path: Path) -> None:
    """The exported bundle contains all personal data."""
    assert_sound(old.data)
    bundles = export_logs(old.data, tmp_path / "bundles")
    assert {log: bundle_facts(bundles[log]) for log in LOGS} == old.stored["bundles"]


def test_an_old_ledger_is_written_to(old: OldLedger) -> None:
    """The service recognizes a decided event by its personal data, and appends a new event."""
    with (
        pinned("2026-12-01T00:00:00Z") as clock,
        open_service(old.data, old.stored["tokens"], clock) as service,
    ):
        path = f"{ACME}/ledger/entries?contact=ct-16&kind=decision"
        entries = service.send("auditor", "GET", path)["items"]
        assert [each["entry"]["event"] for each in entries] == ["started-16", "answer-16"]
        known = event("answer-16", "c-16", "ct-16", answer={"choice": "customer"})
        again = service.request("platform", "POST", "/v1/decisions", known)
        assert again.headers["Idempotency-Replayed"] == "true"
        changed = {**known, "answer": {"choice": "not_customer"}}
        refused = service.request("platform", "POST", "/v1/decisions", changed)
        assert refused.status_code == 409
        size = int(old.stored["bundles"]["acme"]["checkpoint"].splitlines()[1])
        joined = {**known, "id": "joined-16", "type": "teammate.joined", "answer": None}
        decision = service.send("platform", "POST", "/v1/decisions", joined)
        assert decision["ledger"]["index"] == size
        service.text("auditor", f"{ACME}/ledger/checkpoint")
    assert_sound(old.data)
