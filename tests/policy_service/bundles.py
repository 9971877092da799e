"""A ledger with all kinds of entries, and an exported bundle of its log."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.signed_note import format_key
from audit.stores.files.signing_key import SIGNING_KEY, read_signing_key
from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, Api, document, event, open_api, reply
from tests.policy_service.command_line import call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import KeyedLedger

ORIGIN = "policy-service.example"


def filled(first: KeyedLedger, folder: Path) -> list[bytes]:
    """Make a ledger with versions, receipts and an erasure; return earlier checkpoint notes.

    There is one note for each size at which a new kind of entry was written.
    """
    notes = []
    with open_api(first, folder) as api:
        checkpoints = CheckpointSigner(api.store, ORIGIN)
        for number in range(4):
            _conversation(api, number)
        notes.append(checkpoints.latest_checkpoint("acme").note)
        api.publish(document(answer_within="PT9M"))
        for number in range(4, 8):
            _conversation(api, number)
        notes.append(checkpoints.latest_checkpoint("acme").note)
        erased = api.post(f"{ACME}/erasures", {"contact": "ct-2", "reason": "asked"}, Role.AUDITOR)
        assert erased.status_code < 300, erased.text
        api.decide(event("ev-é", conversation={"id": "c-\U0001f600"}))
        api.decide(event("ev-9", workspace={"id": "globex"}))
        checkpoints.sign_due()
    return notes


def _conversation(api: Api, number: int) -> None:
    who = {"conversation": {"id": f"c-{number}"}, "contact": {"id": f"ct-{number % 3}"}}
    asked = api.decide(event(f"ev-{number}", **who))
    api.decide(reply(f"re-{number}", "customer" if number % 2 else "not_customer", **who))
    if number % 2:
        action = asked["actions"][0]["id"]
        api.post(f"{ACME}/actions/{action}/receipt", {"status": "delivered"}, Role.PLATFORM)


def key_of(folder: Path, log: str = "acme") -> str:
    """Return the verifier key of a log, as an outsider would receive it."""
    return format_key(read_signing_key(folder / SIGNING_KEY).verifier(f"{ORIGIN}/{log}"))


def exported(data: Path, out: Path, *options: str, log: str = "acme") -> Path:
    call("export", "--data", data, "--workspace", log, "--out", out, *options)
    return out


def run(bundle: Path, *arguments: str | Path, beside: Path) -> tuple[int, Any]:
    """Run the bundle's verifier on a bare Python in an empty folder; return exit code and JSON."""
    command = [sys.executable, "-I", "-S", bundle / "verify.pyz", bundle, *arguments, "--json"]
    beside.mkdir(exist_ok=True)
    ran = subprocess.run(command, cwd=beside, capture_output=True, check=False, timeout=60)
    assert ran.stderr == b""
    return ran.returncode, json.loads(ran.stdout)
