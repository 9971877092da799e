"""Guardrails: properties that compliance sets for a workspace, apart from any document.

Every document that is proposed must have them, as if they stood in it; they are proved over all
facts. A version that was proposed before is not asked for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson

from rules import checking
from rules.canonical import canonical
from rules.errors import Complaint, DocumentRefused
from rules.source import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.store import Snapshot
    from audit.versions import Versions
    from rules.document import Document

REMEMBERED = 64
"""Documents whose proofs a process remembers, so that none is made in a transaction."""
OF_A_DOCUMENT = frozenset({"property_broken", "property_undecided"})
"""What is wrong with a document, and not with the guardrails."""

Properties = list[dict[str, Any]]


def guardrails(snapshot: Snapshot, versions: Versions) -> Properties:
    """The properties that are asked of every proposal; LookupError where the ledger lost them."""
    if versions.guardrails is None:
        return []
    body = snapshot.document(versions.guardrails)
    if body is None:
        raise LookupError(f"the ledger names the guardrails {versions.guardrails} and lacks them")
    properties: Properties = orjson.loads(body)
    return properties


def check_proposal(document: Document, properties: Properties) -> None:
    """DocumentRefused, with facts that break it, for each guardrail that the document lacks."""
    if properties:
        found = _complaints(document.canonical, canonical(properties))
        if found:
            raise DocumentRefused([Complaint("", "guardrail_broken", c.message) for c in found])


def check_guardrails(document: Document, properties: Properties) -> None:
    """DocumentRefused where they cannot be asked of a document like this one.

    Whether this one has them is another matter: they are for what is proposed from here on.
    """
    found = _complaints(document.canonical, canonical(properties))
    wrong = [complaint for complaint in found if complaint.code not in OF_A_DOCUMENT]
    if wrong:
        raise DocumentRefused(wrong)


@lru_cache(REMEMBERED)
def _complaints(document: bytes, properties: bytes) -> Sequence[Complaint]:
    """What is wrong with the document, which is good, where these are its properties."""
    asked = {**orjson.loads(document), "tests": [], "properties": orjson.loads(properties)}
    return checking.check(plain(asked)).complaints
