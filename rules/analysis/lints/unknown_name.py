"""A team, a teammate or a tag that the workspace's directory does not know.

Told of an action that is carried out for some event, under the settings as they stand. Without a
directory, or where it says nothing of the sort, nothing is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.analysis.lints.lint import Finding
from rules.analysis.lints.reachable_actions import find_facts_for_action, list_actions
from rules.formats.suggestions import quote_word, suggest_words
from rules.model.vocabulary import ActionType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject
    from rules.model.document import Action

CODE = "name_not_in_directory"


class _ActionName(NamedTuple):
    """A name that an action gives, its sort, and where it is written."""

    pointer: str
    kind: str
    name: str


def find_unknown_names(subject: LintSubject) -> Iterator[Finding]:
    told: set[_ActionName] = set()
    for each in list_actions(subject):
        named = _name_in_action(each.action, each.pointer)
        known = named and subject.directory.names_of(named.kind)
        if named is None or known is None or named.name in known or named in told:
            continue
        facts = find_facts_for_action(subject, each)
        if facts is not None:
            told.add(named)
            meant = suggest_words(named.name, known)
            message = f"The directory knows no {named.kind} {quote_word(named.name)}: {meant}"
            yield Finding(named.pointer, CODE, message, subject.build_example(facts))


def _name_in_action(action: Action, at: str) -> _ActionName | None:
    if action.type is ActionType.ASSIGN:
        [(sort, name)] = action.argument.items()
        return _ActionName(at, sort, name)
    return _ActionName(at, "tag", action.argument) if action.type is ActionType.ADD_TAG else None
