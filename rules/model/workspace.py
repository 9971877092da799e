"""The ids of workspaces, and the name of the log that belongs to no workspace."""

from __future__ import annotations

import re

SYSTEM_LOG = "system"
"""The log of everything that concerns the whole service."""

WORKSPACE_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,62}$"


def is_workspace(text: str) -> bool:
    """Return True if the text can be the id of a workspace."""
    return text != SYSTEM_LOG and re.fullmatch(WORKSPACE_PATTERN, text) is not None
