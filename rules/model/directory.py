"""The names that a workspace knows, as the platform tells them: what actions may be meant for.

Of each sort it is told all names or nothing at all; of what was not told nothing is said. Teammates
are named by their ids, as documents name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MEMBER_BY_KIND: dict[str, str] = {"team": "teams", "teammate": "teammates", "tag": "tags"}
"""What an action names, and the member of a directory that lists all of them."""


@dataclass(frozen=True, slots=True)
class WorkspaceDirectory:
    """The names of each sort, sorted, each once; None of a sort that was not told."""

    teams: tuple[str, ...] | None = None
    teammates: tuple[str, ...] | None = None
    tags: tuple[str, ...] | None = None

    def names_of(self, kind: str) -> tuple[str, ...] | None:
        """All that are known of a sort, `team` say."""
        names: tuple[str, ...] | None = getattr(self, MEMBER_BY_KIND[kind])
        return names

    @property
    def tree(self) -> dict[str, list[str]]:
        """As it is kept: the sorts that were told."""
        names_by_member = {member: getattr(self, member) for member in MEMBER_BY_KIND.values()}
        return {
            member: list(names) for member, names in names_by_member.items() if names is not None
        }


EMPTY_DIRECTORY = WorkspaceDirectory()


def build_directory(names_by_member: Mapping[str, Any]) -> WorkspaceDirectory:
    """The directory of lists of names, in any order; null, or no list, where a sort is not told."""
    lists = {member: names_by_member.get(member) for member in MEMBER_BY_KIND.values()}
    return WorkspaceDirectory(
        **{m: None if n is None else tuple(sorted(set(n))) for m, n in lists.items()}
    )
