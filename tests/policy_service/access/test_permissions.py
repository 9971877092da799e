"""The table of permissions, and the checks that read it."""

from __future__ import annotations

import pytest

from policy_service.access.keys import EVERY_WORKSPACE, Key, Role
from policy_service.access.permissions import (
    ROLES,
    Permission,
    check_permission,
    check_workspace,
)
from policy_service.problems import ProblemCode, ProblemError
from rules.model.workspace import SYSTEM_LOG


def key(role: Role = Role.AUDITOR, workspace: str = EVERY_WORKSPACE) -> Key:
    return Key("key-1", role, workspace, "of a test", "2026-11-22T12:00:00.000Z", None, "")


def test_every_permission_has_a_role_and_every_role_a_permission() -> None:
    assert set(ROLES) == set(Permission)
    assert all(ROLES.values())
    assert set().union(*ROLES.values()) == set(Role)


@pytest.mark.parametrize("permission", list(Permission))
@pytest.mark.parametrize("role", list(Role))
def test_check_permission_refuses_every_role_outside_the_table(
    role: Role, permission: Permission
) -> None:
    if role in ROLES[permission]:
        check_permission(key(role), permission)
    else:
        with pytest.raises(ProblemError) as refused:
            check_permission(key(role), permission)
        assert refused.value.code == ProblemCode.ROLE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("reach", "workspace"),
    [("acme", "globex"), (EVERY_WORKSPACE, "No Workspace"), (EVERY_WORKSPACE, SYSTEM_LOG)],
)
def test_check_workspace_hides_workspaces_outside_the_reach_of_a_key(
    reach: str, workspace: str
) -> None:
    check_workspace(key(workspace=reach), "acme")
    with pytest.raises(ProblemError) as refused:
        check_workspace(key(workspace=reach), workspace)
    assert refused.value.code == ProblemCode.NOT_FOUND


def test_check_workspace_lets_only_keys_of_every_workspace_name_the_system_log() -> None:
    check_workspace(key(), SYSTEM_LOG, system=True)
    with pytest.raises(ProblemError):
        check_workspace(key(workspace="acme"), SYSTEM_LOG, system=True)
