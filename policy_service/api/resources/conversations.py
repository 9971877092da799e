"""Conversations, told from the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from policy_service.access.keys import Role
from policy_service.api.requests import PAGE, page, query
from policy_service.api.responses import listing
from policy_service.decisions.story import Narrator
from rules.formats.strict_json import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from flask import Response

    from policy_service.access.keys import Key
    from policy_service.services import Services


def story(service: Services, caller: Key, workspace: str, conversation: str) -> Response:
    """The events of a conversation in order: what was decided, by whose rules, and what then.

    What is personal is shown to auditors alone.
    """
    after, limit = page(query(*PAGE), MAX_SAFE_INTEGER)
    with service.store.read() as snapshot:
        narrator = Narrator(
            snapshot,
            workspace,
            service.policies.versions(snapshot, workspace),
            service.keyring.keys(snapshot),
            personal=caller.role is Role.AUDITOR,
        )
        return listing(*narrator.page(conversation, after, limit))
