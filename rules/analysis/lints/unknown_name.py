"""A team, a teammate or a tag that the workspace's directory does not know.

Told of an action that is carried out for some event, under the settings as they stand. Without a
directory, or where it says nothing of the sort, nothing is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.analysis.lints.lint import Finding
from rules.analysis.lints.reachable_actions import actions, facts_for
from rules.formats.suggestions import instead, quoted
from rules.model.vocabulary import ActionType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import Subject
    from rules.model.document import Action

CODE = "name_not_in_directory"


class _Named(NamedTuple):
    """A name that an action gives, its sort, and where it is written."""

    at: str
    sort: str
    name: str


def find(subject: Subject) -> Iterator[Finding]:
    told: set[_Named] = set()
    for each in actions(subject):
        named = _named(each.action, each.at)
        known = named and subject.directory.names(named.sort)
        if named is None or known is None or named.name in known or named in told:
            continue
        facts = facts_for(subject, each)
        if facts is not None:
            told.add(named)
            meant = instead(named.name, known)
            message = f"The directory knows no {named.sort} {quoted(named.name)}: {meant}"
            yield Finding(named.at, CODE, message, subject.example(facts))


def _named(action: Action, at: str) -> _Named | None:
    if action.type is ActionType.ASSIGN:
        [(sort, name)] = action.argument.items()
        return _Named(at, sort, name)
    return _Named(at, "tag", action.argument) if action.type is ActionType.ADD_TAG else None
