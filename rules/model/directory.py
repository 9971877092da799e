"""The names that the platform knows in a workspace, and that actions may refer to.

The platform sends all names of a kind, or leaves the kind out. A kind that was left out is not
checked. Teammates have ids, as in documents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBER_BY_KIND: dict[str, str] = {"team": "teams", "teammate": "teammates", "tag": "tags"}
"""The kinds of names that actions use, each with its member of a directory."""


@dataclass(frozen=True, slots=True)
class WorkspaceDirectory:
    """The names of each kind, sorted and without duplicates; None for a kind that was left out."""

    teams: tuple[str, ...] | None = None
    teammates: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    def names_of(self, kind: str) -> tuple[str, ...] | None:
        """Return all known names of a kind, such as `team`; None if the kind was left out."""
        names: tuple[str, ...] | None = getattr(self, MEMBER_BY_KIND[kind])
        return names

    @property
    def tree(self) -> dict[str, list[str]]:
        """Return the directory as it is stored: only the kinds that were sent."""
        names_by_member = {member: getattr(self, member) for member in MEMBER_BY_KIND.values()}
        return {
            member: list(names) for member, names in names_by_member.items() if names is not None
        }


EMPTY_DIRECTORY = WorkspaceDirectory()


def build_directory(names_by_member: Mapping[str, Any]) -> WorkspaceDirectory:
    """Return the directory of lists of names in any order.

    A kind is left out if its list is null or missing.
    """
    lists = {member: names_by_member.get(member) for member in MEMBER_BY_KIND.values()}
    return WorkspaceDirectory(
        **{m: None if n is None else tuple(sorted(set(n))) for m, n in lists.items()}
    )
