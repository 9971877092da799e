"""Permissions and the roles that have them: the one table for the API and the command line."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from policy_service.access.keys import EVERY_WORKSPACE, Role
from policy_service.problems import ProblemCode, ProblemError
from rules.model.workspace import SYSTEM_LOG, is_workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from policy_service.access.keys import Key


class Permission(StrEnum):
    """Something that a key may be allowed to do."""

    MANAGE_KEYS = "manage_keys"
    DECIDE_EVENTS = "decide_events"
    TRY_EVENTS = "try_events"
    READ_DECISIONS = "read_decisions"
    CARRY_OUT_ACTIONS = "carry_out_actions"
    READ_POLICIES = "read_policies"
    """The active policy, versions, reports, required approvals, guardrails and the directory."""
    PROPOSE_VERSIONS = "propose_versions"
    APPROVE_VERSIONS = "approve_versions"
    """Approve, reject and activate versions."""
    SET_APPROVALS = "set_approvals"
    SET_GUARDRAILS = "set_guardrails"
    REPLACE_DIRECTORY = "replace_directory"
    REPLAY_DECISIONS = "replay_decisions"
    READ_LEDGER = "read_ledger"
    ERASE_CONTACTS = "erase_contacts"
    MANAGE_HOLDS = "manage_holds"


ROLES: Mapping[Permission, frozenset[Role]] = MappingProxyType(
    {
        Permission.MANAGE_KEYS: frozenset({Role.OWNER}),
        Permission.DECIDE_EVENTS: frozenset({Role.PLATFORM}),
        Permission.TRY_EVENTS: frozenset({Role.PLATFORM, Role.AUTHOR}),
        Permission.READ_DECISIONS: frozenset({Role.PLATFORM, Role.AUDITOR}),
        Permission.CARRY_OUT_ACTIONS: frozenset({Role.PLATFORM}),
        Permission.READ_POLICIES: frozenset(Role),
        Permission.PROPOSE_VERSIONS: frozenset({Role.AUTHOR}),
        Permission.APPROVE_VERSIONS: frozenset({Role.APPROVER}),
        Permission.SET_APPROVALS: frozenset({Role.OWNER}),
        Permission.SET_GUARDRAILS: frozenset({Role.AUDITOR, Role.OWNER}),
        Permission.REPLACE_DIRECTORY: frozenset({Role.PLATFORM, Role.OWNER}),
        Permission.REPLAY_DECISIONS: frozenset({Role.AUTHOR, Role.AUDITOR}),
        Permission.READ_LEDGER: frozenset({Role.AUDITOR}),
        Permission.ERASE_CONTACTS: frozenset({Role.AUDITOR}),
        Permission.MANAGE_HOLDS: frozenset({Role.AUDITOR}),
    }
)
"""The roles that have each permission."""


def check_permission(caller: Key, permission: Permission) -> None:
    """Raise ProblemError `role_not_allowed` if the role of the key lacks the permission."""
    if caller.role not in ROLES[permission]:
        raise ProblemError(
            ProblemCode.ROLE_NOT_ALLOWED, f"A key of the role {caller.role.value} may not"
        )


def check_workspace(caller: Key, workspace: str, *, system: bool = False) -> None:
    """Raise ProblemError `not_found` if the key is not for the workspace, or the id is invalid.

    With `system`, a key for every workspace may name the log `system` as well.
    """
    exists = is_workspace(workspace) or (
        system and workspace == SYSTEM_LOG and caller.workspace == EVERY_WORKSPACE
    )
    if not (exists and caller.reaches(workspace)):
        raise ProblemError(ProblemCode.NOT_FOUND, "There is no such workspace for this key")
