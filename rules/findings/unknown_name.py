"""A team, a teammate or a tag that the workspace's directory does not know.

Told of an action that is carried out for some event, under the settings as they stand. Without a
directory, or where it says nothing of the sort, nothing is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rules.document import REFERENCE, lookup
from rules.findings.finding import Finding
from rules.nearest import instead, quoted
from rules.vocabulary import ActionType

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rules.document import Action, Document, Rule, Scalar
    from rules.draft import Part
    from rules.findings.finding import Subject

CODE = "name_not_in_directory"


class _Named(NamedTuple):
    """A name that an action gives, its sort, and where it is written."""

    at: str
    sort: str
    name: str


def find(subject: Subject) -> Iterator[Finding]:
    told: set[_Named] = set()
    written = (*subject.draft.rules(), subject.draft.root.mapping("otherwise"))
    for part, rule in zip(written, subject.document.own.rules, strict=True):
        places = _places(part, subject.document)
        for action, at in zip(rule.actions, places, strict=True):
            named = _named(action, at)
            known = named and subject.directory.names(named.sort)
            if named is None or known is None or named.name in known or named in told:
                continue
            facts = _carried_out(subject, rule, action)
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


def _places(rule: Part, document: Document) -> Iterator[str]:
    """Where each action of a rule is written: in the rule, or in the setting that it names.

    A setting that is as built in is written nowhere: then it is where it is named.
    """
    for part in rule.member("actions").items():
        action = part.value
        named = _setting(action if isinstance(action, str) else next(iter(action.values())))
        at = f"/settings/{named.replace('.', '/')}" if named else part.at
        if named and named.partition(".")[0] not in (document.tree.get("settings") or {}):
            at = part.at
        if named and isinstance(action, str):
            listed = len(lookup(document.settings, named))
            yield from (f"{at}/{n}" if at != part.at else at for n in range(listed))
        else:
            yield at


def _setting(value: Any) -> str | None:  # noqa: ANN401 - any JSON value
    """The setting that a value stands for."""
    named = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return named[1] if named else None


def _carried_out(subject: Subject, rule: Rule, action: Action) -> dict[str, Scalar] | None:
    """Facts for which the rule decides and the action is carried out."""
    for case in subject.own.cases[0]:
        if case.rule is rule:
            for way in subject.own.ways(case):
                if action in way.actions:
                    facts = subject.own.find(way.box, way.forbidden)
                    if facts is not None:
                        return facts
    return None
