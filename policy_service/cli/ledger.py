"""`ledger`: checkpoints and proofs, and proofs verified without a ledger."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import orjson

from audit.errors import NotSignedError
from audit.evidence.checkpoint_signer import CheckpointSigner
from audit.log.checkpoint import BadCheckpointError, decode_hash
from audit.log.merkle import hash_leaf as hash_of_leaf
from audit.log.signed_note import (
    BadKeyError,
    BadNoteError,
    EvidenceError,
    UnknownSignerError,
    encode_base64,
    format_key,
    parse_key,
)
from audit.log.tlog_proof import (
    BadProofError,
    format_proof,
    parse_proof,
    proof_as_json,
    verify_proof,
)
from policy_service.cli.command_group import CommandGroup
from policy_service.cli.console import (
    EXIT_WRONG_USE,
    data_option,
    exit_with_finding,
    fail,
    json_option,
    load_settings,
    open_ledger,
    print_json,
)
from rules.formats.canonical_json import encode_canonical
from rules.model.workspace import SYSTEM_LOG, is_workspace

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_UNDETERMINED = (BadProofError, BadNoteError, BadCheckpointError, UnknownSignerError)
"""Errors about something that is not a proof, or has an unknown signer: no sign of tampering."""

workspace_option: Callable[[Any], Any] = click.option(
    "--workspace", required=True, help="The workspace of the log, or `system`."
)


@click.group(cls=CommandGroup)
def ledger() -> None:
    """Print checkpoints and proofs, and verify proofs."""


@ledger.command("checkpoint")
@data_option
@workspace_option
@json_option
def checkpoint_command(data: Path, workspace: str, *, as_json: bool) -> None:
    """Print the signed checkpoint of a log; sign one if none covers all entries."""
    stored = _query_checkpoints(
        data, workspace, lambda checkpoints: checkpoints.latest_checkpoint(workspace)
    )
    if as_json:
        checkpoint = stored.checkpoint
        root = encode_base64(checkpoint.root)
        note = stored.note.decode()
        print_json(
            {"origin": checkpoint.origin, "size": checkpoint.size, "root": root, "checkpoint": note}
        )
    else:
        click.echo(stored.note, nl=False)


@ledger.command("key")
@data_option
@workspace_option
@json_option
def key_command(data: Path, workspace: str, *, as_json: bool) -> None:
    """Print the verifier key of a log's checkpoints."""
    key = format_key(_query_checkpoints(data, workspace, lambda each: each.verifier_key(workspace)))
    print_json({"key": key}) if as_json else click.echo(key)


@ledger.command("proof")
@data_option
@workspace_option
@click.argument("index", type=click.IntRange(0))
@json_option
def proof_command(data: Path, workspace: str, index: int, *, as_json: bool) -> None:
    """Print the proof that a log includes an entry, as a tlog-proof."""
    proof_parts = _query_checkpoints(
        data, workspace, lambda checkpoints: checkpoints.proof(workspace, index)
    )
    if proof_parts is None:
        fail(f"{workspace} has no entry {index}")
    entry, proof, checkpoint = proof_parts
    if as_json:
        print_json(proof_as_json(proof, entry.leaf_hash, checkpoint.size))
    else:
        click.echo(format_proof(proof), nl=False)


@ledger.command("consistency")
@data_option
@workspace_option
@click.argument("earlier", type=click.IntRange(0))
@click.argument("later", type=click.IntRange(0))
@json_option
def consistency_command(
    data: Path, workspace: str, earlier: int, later: int, *, as_json: bool
) -> None:
    """Print the proof that a log of one size is a prefix of the log of another."""
    if earlier > later:
        fail("the later log has no fewer entries")
    ask = _query_checkpoints(
        data, workspace, lambda each: each.consistency(workspace, earlier, later)
    )
    if ask is None:
        fail(f"{workspace} has not {later} entries")
    hashes = [encode_base64(each) for each in ask]
    if as_json:
        print_json({"from": earlier, "to": later, "hashes": hashes})
    else:
        for each in hashes:
            click.echo(each)


@ledger.command("check")
@click.argument("proof", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", required=True, help="The verifier key of the log, from a trusted source.")
@click.option("--leaf-hash", help="The hash of the entry's leaf, in base64.")
@click.option(
    "--entry",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the entry as JSON.",
)
@json_option
def check_command(
    proof: Path, key: str, leaf_hash: str | None, entry: Path | None, *, as_json: bool
) -> None:
    """Verify a tlog-proof with the log's key and the entry alone.

    The exit code is 1 if the proof is wrong, 2 if it cannot be judged.
    """
    hashed = _read_leaf_hash(leaf_hash, entry)
    try:
        verifier = parse_key(key)
    except BadKeyError as error:
        fail(str(error))
    wrong = checkpoint = None
    try:
        parsed = parse_proof(proof.read_bytes())
        checkpoint = verify_proof(parsed, hashed, verifier.name, [verifier])
    except EvidenceError as error:
        wrong = error
    if as_json:
        refusal = {"code": wrong.code, "message": str(wrong)} if wrong else None
        print_json(
            {"good": wrong is None, "refused": refusal, "size": checkpoint and checkpoint.size}
        )
    elif wrong:
        click.echo(f"{'undetermined' if isinstance(wrong, _UNDETERMINED) else 'wrong'}: {wrong}")
    elif checkpoint:
        click.echo(f"entry {parsed.index} is in {checkpoint.origin}, of {checkpoint.size} entries")
    if isinstance(wrong, _UNDETERMINED):
        sys.exit(EXIT_WRONG_USE)
    if wrong:
        exit_with_finding()


def _read_leaf_hash(text: str | None, entry: Path | None) -> bytes:
    if (text is None) == (entry is None):
        fail("give --leaf-hash or --entry")
    try:
        if entry is not None:
            read = orjson.loads(entry.read_bytes())
            leaf = read.get("entry", read) if "leaf_hash" in read else read
            return hash_of_leaf(encode_canonical(leaf))
        return decode_hash(text or "")
    except (ValueError, TypeError, OSError) as error:
        fail(f"the entry cannot be read: {error}")


def _query_checkpoints(data: Path, workspace: str, ask: Callable[[CheckpointSigner], T]) -> T:
    """Return the result of a question to the signer; a log that failed its check is a finding."""
    if not (is_workspace(workspace) or workspace == SYSTEM_LOG):
        fail(f"{workspace!r} is not a workspace's id")
    origin = load_settings().origin
    with open_ledger(data) as store:
        try:
            return ask(CheckpointSigner(store, origin))
        except NotSignedError as error:
            click.echo(f"policy-service: {error}", err=True)
            exit_with_finding()
