"""The digests of the built-in document and of the documents in docs/examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.examples.edits import document, edits, read_edit
from tests.vectors.service import init_ledger, open_service

if TYPE_CHECKING:
    from pathlib import Path

    from freezegun.api import FrozenDateTimeFactory


def digests(folder: Path, clock: FrozenDateTimeFactory) -> dict[str, str]:
    """Return the digest that the service gives each document, by the document's name."""
    found: dict[str, str] = {}
    with open_service(folder, init_ledger(folder), clock) as service:
        found["builtin"] = service.send("author", "GET", "/v1/workspaces/acme/policy")["digest"]
        for file in edits():
            proposal = {"document": document(read_edit(file)), "supersede": True}
            proposed = service.send("author", "POST", "/v1/workspaces/acme/versions", proposal)
            found[file.stem] = proposed["digest"]
    return found
