"""Proofs of the ledger, in the formats signed-note, tlog-checkpoint and tlog-proof of C2SP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.log.signed_note import encode_base64, format_key
from audit.log.tlog_proof import format_proof, proof_as_json
from policy_service.access.permissions import Permission
from policy_service.api.media import TEXT, TEXT_SCHEMA
from policy_service.api.responses import Content, Reply
from policy_service.api.route import SIGNING_PROBLEMS, WORKSPACE, Route
from policy_service.api.schemas import fields
from policy_service.api.schemas.base import AnswerSchema, QuerySchema
from policy_service.problems import ProblemCode, ProblemError
from rules.errors import Complaint
from rules.formats.strict_json import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from audit.evidence.checkpoint_signer import CheckpointSigner
    from policy_service.access.keys import Key
    from policy_service.services import Services


@dataclass(frozen=True, slots=True)
class LogSizes:
    """Two sizes of a log."""

    earlier: int
    later: int


class LogSizesQuery(QuerySchema):
    """The two sizes that a consistency proof is about."""

    value = LogSizes
    earlier = fields.number_text("The size of the earlier log.", data_key="from", example=2)
    later = fields.number_text(
        "The size of the later log; at least `from`.", data_key="to", example=3
    )


class ConsistencyProofSchema(AnswerSchema):
    """A proof that the log of `from` entries is the beginning of the log of `to` entries."""

    earlier = fields.number(data_key="from")
    later = fields.number(data_key="to")
    hashes = fields.items(fields.sha256())


class InclusionProofSchema(AnswerSchema):
    """A proof that an entry is in the log."""

    index = fields.number()
    size = fields.number("The size of the log of the checkpoint.")
    leaf_hash = fields.sha256()
    hashes = fields.items(
        fields.sha256(), "The hashes from the leaf's sibling up to the child of the root."
    )
    checkpoint = fields.text("The signed note, with its newlines.")


_FIRST_TWO = "AV4mQN0TUk7cpceJFgLjjWU3Lq7FEWZmS+EoO4u5Yzk="
_THIRD = "VTKV5LhIvueBwwoMhqW3MTMIBuqsohTeGV5IdhuKYe4="
VERIFIER_KEY = "policy-service.example/acme+ce210944+ASBEgPlvQZ5gYam/tl+3lq9bQGg9ykYvkmHCXb5lDZkZ\n"
CHECKPOINT = """\
policy-service.example/acme
3
p6hToZGfJY8sdvRaT0c9trvJ/lI0SbCNx45XnFBPkbM=

— policy-service.example/acme ziEJRPq3qAwB/ACrmXM7W+U9jsiVObWSHibf1AkCpJL4SYwxGIbjRXRvVUsTk/Tl01LSKdPv//ioKWCR6fQezFNZzgE=
"""  # noqa: E501 - a signature is one line
CONSISTENCY_PROOF: dict[str, Any] = {"from": 2, "to": 3, "hashes": [_THIRD]}
INCLUSION_PROOF: dict[str, Any] = {
    "index": 2,
    "size": 3,
    "leaf_hash": _THIRD,
    "hashes": [_FIRST_TWO],
    "checkpoint": CHECKPOINT,
}
TLOG_PROOF = f"""\
c2sp.org/tlog-proof@v1
index 2
{_FIRST_TWO}

{CHECKPOINT}"""
_TEXT_TYPE = f"{TEXT}; charset=utf-8"


def get_checkpoint(services: Services, _: Key, *, workspace: str) -> Reply:
    """Get the checkpoint of a log.

    It is a signed note of the log's size and root. The checkpoint covers every entry; it is signed
    now if necessary.
    """
    return Reply(_checkpoints(services).latest_checkpoint(workspace).note)


def get_verifier_key(services: Services, _: Key, *, workspace: str) -> Reply:
    """Get the verifier key of a log."""
    return Reply(f"{format_key(_checkpoints(services).verifier_key(workspace))}\n")


def prove_consistency(services: Services, _: Key, *, workspace: str, query: LogSizes) -> Reply:
    """Prove that a log only grew.

    The proof is between two of its sizes (RFC 9162, 2.1.4). If the earlier log is empty, the proof
    has no hashes.
    """
    if query.earlier > query.later:
        message = "`to` is smaller than `from`; send the size of the later log as `to`"
        complaint = Complaint("/to", "not_allowed", message)
        raise ProblemError(ProblemCode.INVALID_REQUEST, message, [complaint])
    hashes = _checkpoints(services).consistency(workspace, query.earlier, query.later)
    if hashes is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"The log has fewer than {query.later} entries")
    proof = {"from": query.earlier, "to": query.later}
    return Reply({**proof, "hashes": [encode_base64(each) for each in hashes]})


def prove_inclusion(services: Services, _: Key, *, workspace: str, index: int, media: str) -> Reply:
    """Prove that an entry is in a log.

    The proof leads to a checkpoint that covers the entry (RFC 9162, 2.1.3). As text it is a
    tlog-proof, which needs nothing else to be verified.
    """
    found = _checkpoints(services).proof(workspace, index) if index <= MAX_SAFE_INTEGER else None
    if found is None:
        raise ProblemError(ProblemCode.NOT_FOUND, f"The log has no entry {index}")
    entry, proof, checkpoint = found
    if media == TEXT:
        return Reply(format_proof(proof))
    return Reply(proof_as_json(proof, entry.leaf_hash, checkpoint.size))


def _checkpoints(services: Services) -> CheckpointSigner:
    if services.checkpoints is None:
        raise ProblemError(ProblemCode.NO_SIGNING_KEY, "Nothing is signed here")
    return services.checkpoints


ROUTES = (
    Route(
        "GET",
        f"{WORKSPACE}/ledger/entries/<number:index>/proof",
        prove_inclusion,
        Permission.READ_LEDGER,
        Content(InclusionProofSchema, INCLUSION_PROOF),
        Content(TEXT_SCHEMA, TLOG_PROOF, content_type=_TEXT_TYPE),
        problems=SIGNING_PROBLEMS,
        names_system=True,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/checkpoint",
        get_checkpoint,
        Permission.READ_LEDGER,
        Content(TEXT_SCHEMA, CHECKPOINT, content_type=_TEXT_TYPE),
        problems=SIGNING_PROBLEMS,
        names_system=True,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/key",
        get_verifier_key,
        Permission.READ_LEDGER,
        Content(TEXT_SCHEMA, VERIFIER_KEY, content_type=_TEXT_TYPE),
        problems=(ProblemCode.NO_SIGNING_KEY,),
        names_system=True,
    ),
    Route(
        "GET",
        f"{WORKSPACE}/ledger/consistency",
        prove_consistency,
        Permission.READ_LEDGER,
        Content(ConsistencyProofSchema, CONSISTENCY_PROOF),
        query=LogSizesQuery(),
        names_system=True,
    ),
)
