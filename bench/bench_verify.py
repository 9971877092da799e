"""Verification of an exported bundle by its own program, on all processors.

The time for a million entries is extrapolated from fewer, including the start of the program.
"""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from statistics import median
from typing import TYPE_CHECKING

import orjson

from audit.evidence.bundle_export import SignedCheckpoint, export_bundle
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.stores.sqlite.store import SqliteStore
from audit.verification.bundle_format import KEY, VERIFIER
from bench import ledgers
from bench.harness import Bar, Row, seconds, take_turns
from policy_service.services import Services

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.harness import Bench

_LOG = "one-co"
_MILLION = 1_000_000


def run(bench: Bench) -> Iterator[Row]:
    """Yield the seconds for 1,000,000 entries, without and with personal parts."""
    count = bench.count(60_000)
    bare, whole = bench.folder / "bare", bench.folder / "whole"
    with SqliteStore.create(bench.folder / "ledger") as store:
        ledgers.decide(Services(store), map(_of_one_log, bench.take_events(count)))
        checkpoints = CheckpointSigner(store, "bench.example")
        signed = SignedCheckpoint(
            checkpoints.latest_checkpoint(_LOG).note, checkpoints.verifier_key(_LOG)
        )
        with store.read() as snapshot:
            export_bundle(snapshot, _LOG, signed, bare, personal=False)
            export_bundle(snapshot, _LOG, signed, whole, personal=True)
    measured = take_turns(
        partial(_verifying, bare, count), partial(_verifying, whole, count), bench.rounds
    )
    name = "verifying a bundle of 1,000,000 entries"
    yield Row(name, median(measured.first), " s", Bar(60, least=False))
    yield Row(f"{name}, with their personal parts", median(measured.second), " s")


def _of_one_log(event: bytes) -> bytes:
    read = orjson.loads(event)
    return orjson.dumps({**read, "workspace": {**read["workspace"], "id": _LOG}})


def _verifying(bundle: Path, count: int) -> float:
    command = [sys.executable, "-I", "-S", bundle / VERIFIER, bundle, "--key", bundle / KEY]
    run_it = partial(subprocess.run, command, check=True, capture_output=True)
    return seconds(run_it) * _MILLION / count
