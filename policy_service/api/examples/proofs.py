"""A log of three leaves, a checkpoint of it, and what is proved of it; the tests verify them."""

from __future__ import annotations

from typing import Any

_FIRST_TWO = "AV4mQN0TUk7cpceJFgLjjWU3Lq7FEWZmS+EoO4u5Yzk="
_THIRD = "VTKV5LhIvueBwwoMhqW3MTMIBuqsohTeGV5IdhuKYe4="

VERIFIER_KEY = "policy-service.example/acme+ce210944+ASBEgPlvQZ5gYam/tl+3lq9bQGg9ykYvkmHCXb5lDZkZ\n"
CHECKPOINT = """\
policy-service.example/acme
3
p6hToZGfJY8sdvRaT0c9trvJ/lI0SbCNx45XnFBPkbM=

— policy-service.example/acme ziEJRPq3qAwB/ACrmXM7W+U9jsiVObWSHibf1AkCpJL4SYwxGIbjRXRvVUsTk/Tl01LSKdPv//ioKWCR6fQezFNZzgE=
"""  # noqa: E501 - the line of a signature is one
CONSISTENCY: dict[str, Any] = {"from": 2, "to": 3, "hashes": [_THIRD]}
INCLUSION: dict[str, Any] = {
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
