"""What proves the ledger, as C2SP's signed-note, tlog-checkpoint and tlog-proof have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Response, request
from typing_extensions import TypedDict

from audit.log.signed_note import encode_base64, format_key
from audit.log.tlog_proof import format_proof
from policy_service.api.requests import Number, query, whole_number
from policy_service.api.responses import answer
from policy_service.api.route import JSON, TEXT, Parameter
from policy_service.api.schemas.common import STRICT, Hash
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.formats.strict_json import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from audit.evidence.checkpoint_signer import CheckpointSigner
    from policy_service.access.keys import Key
    from policy_service.services import Services

SIZES = {
    "from": Parameter(Number, "How many entries the earlier log had.", 2, required=True),
    "to": Parameter(Number, "How many the later one had; no fewer.", 3, required=True),
}

Consistency = TypedDict("Consistency", {"from": int, "to": int, "hashes": list[Hash]})
Consistency.__doc__ = "That a log of `from` entries is the beginning of the one of `to`."
Consistency.__pydantic_config__ = STRICT  # type: ignore[attr-defined]


class Inclusion(TypedDict):
    """That an entry is in the log."""

    __pydantic_config__ = STRICT  # type: ignore[misc]  # how pydantic takes the settings of a TypedDict
    index: int
    size: int
    """Of the log that the checkpoint is of."""
    leaf_hash: Hash
    hashes: list[Hash]
    """From the leaf's sibling up to below the root."""
    checkpoint: str
    """The signed note, with its newlines."""


def checkpoint(service: Services, _: Key, workspace: str) -> Response:
    """The log's checkpoint: a signed note of its size and root.

    It covers every entry there is, and is signed now where that was not done yet.
    """
    query()
    return _text(_checkpoints(service).latest_checkpoint(workspace).note)


def key(service: Services, _: Key, workspace: str) -> Response:
    """The verifier key of the log's checkpoints."""
    query()
    return _text(f"{format_key(_checkpoints(service).verifier_key(workspace))}\n".encode())


def consistency(service: Services, _: Key, workspace: str) -> Response:
    """That the log only grew: the proof between two of its sizes (RFC 9162, 2.1.4).

    From no entries there is nothing to prove.
    """
    given = query(*SIZES)
    missing = [
        Complaint(f"/{name}", "missing_field", "Give this parameter")
        for name in SIZES
        if name not in given
    ]
    if missing:
        raise ProblemError(ProblemCode.INVALID_REQUEST, "The query was refused", missing)
    first, second = (whole_number(name, given[name], MAX_SAFE_INTEGER) for name in SIZES)
    if first > second:
        message = "The later log has no fewer entries"
        raise ProblemError(
            ProblemCode.INVALID_REQUEST, message, [Complaint("/to", "not_allowed", message)]
        )
    hashes = _checkpoints(service).consistency(workspace, first, second)
    if hashes is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"The log has not {second} entries")
    return answer({"from": first, "to": second, "hashes": [encode_base64(h) for h in hashes]})


def inclusion(service: Services, _: Key, workspace: str, index: int) -> Response:
    """That an entry is in the log, up to a checkpoint that covers it (RFC 9162, 2.1.3).

    As a text it is a tlog-proof, which stands alone.
    """
    query()
    found = _checkpoints(service).proof(workspace, index) if index <= MAX_SAFE_INTEGER else None
    if found is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"The log has no entry {index}")
    entry, proof, checkpoint = found
    if request.accept_mimetypes.best_match([JSON, TEXT], JSON) == TEXT:
        answered = _text(format_proof(proof))
    else:
        shown: dict[str, Any] = {
            "index": index,
            "size": checkpoint.size,
            "leaf_hash": encode_base64(entry.leaf_hash),
            "hashes": [encode_base64(each) for each in proof.hashes],
            "checkpoint": proof.checkpoint.decode(),
        }
        answered = answer(shown)
    answered.vary.add("Accept")
    return answered


def _checkpoints(service: Services) -> CheckpointSigner:
    if service.checkpoints is None:
        raise ProblemError(ProblemCode.NO_SIGNING_KEY, "Nothing is signed here")
    return service.checkpoints


def _text(text: bytes) -> Response:
    return Response(text, content_type=f"{TEXT}; charset=utf-8")
