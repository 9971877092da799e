"""A team, a teammate or a tag that the workspace's directory does not contain.

The lint considers actions that are carried out for some event, under the document's settings.
Without a directory, or if it leaves out that kind of name, there is no finding.
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
    """A name in an action, its kind, and its place."""

    pointer: str
    kind: str
    name: str


def find_unknown_names(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each unknown name."""
    reported: set[_ActionName] = set()
    for action in list_actions(subject):
        name = _name_in_action(action.action, action.pointer)
        known_names = name and subject.directory.names_of(name.kind)
        if name is None or known_names is None or name.name in known_names or name in reported:
            continue
        facts = find_facts_for_action(subject, action)
        if facts is not None:
            reported.add(name)
            suggestion = suggest_words(name.name, known_names)
            message = f"The directory has no {name.kind} {quote_word(name.name)}: {suggestion}"
            yield Finding(name.pointer, CODE, message, subject.build_example(facts))


def _name_in_action(action: Action, pointer: str) -> _ActionName | None:
    if action.type is ActionType.ASSIGN:
        [(kind, name)] = action.argument.items()
        return _ActionName(pointer, kind, name)
    return (
        _ActionName(pointer, "tag", action.argument) if action.type is ActionType.ADD_TAG else None
    )
