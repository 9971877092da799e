"""A text that an action needs in a language the settings list, and that the document has not got.

Asked of a message tagged as a range of `languages` itself, and of what is said to it: a text falls
back to `default_language` where neither the tag nor a shorter one has it. A text that stands in the
action, and is said as it is, and a range that is no tag, such as `*`, tell of no language.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.analysis.lints.reachable_actions import actions, facts_for
from rules.analysis.solver import Steps, Undecided
from rules.engine.actions import keys_of, said_in
from rules.formats.language_tags import matches, tag_of
from rules.formats.suggestions import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import Subject
    from rules.analysis.lints.reachable_actions import Named
    from rules.model.document import BoundDocument, Scalar

CODE = "text_not_in_language"
MOST_TOLD = 100
"""Findings after which no more are looked for: there may be some."""
MOST_LOOKED_UP = 20_000
"""Texts times languages that are looked up: a second at most."""
LANGUAGE = "message.language"


def find(subject: Subject) -> Iterator[Finding]:
    """Each text once for each language, where it is said first; raises Undecided after so many."""
    lacking: dict[tuple[str, ...], dict[str, list[str]]] = {}
    lookups = Steps(MOST_LOOKED_UP)
    told: set[tuple[str, str]] = set()
    found = 0
    for each in actions(subject):
        keys = keys_of(each.action)
        if keys not in lacking:
            lacking[keys] = _lacking(subject.document.own, keys, lookups)
        for tag, fallen in lacking[keys].items():
            new = [key for key in fallen if (tag, key) not in told]
            facts = _spoken_to(subject, each, tag) if new else None
            if facts is not None:
                if found == MOST_TOLD:
                    raise Undecided
                found += 1
                told.update((tag, key) for key in new)
                yield Finding(each.at, CODE, _message(each, tag, new), subject.example(facts))


def _lacking(bound: BoundDocument, keys: tuple[str, ...], lookups: Steps) -> dict[str, list[str]]:
    """The languages in which some of the texts fall back, each with those that do."""
    ranges = {each.lower(): each for each in bound.settings["languages"] if tag_of(each) == each}
    found: dict[str, list[str]] = {}
    for tag in ranges.values() if keys else ():
        lookups.take()
        said = ((key, said_in(key, bound, (tag,))) for key in keys)
        fallen = [key for key, to in said if not (matches(tag, [to]) or matches(to, [tag]))]
        if fallen:
            found[tag] = fallen
    return found


def _message(each: Named, tag: str, keys: list[str]) -> str:
    return (
        f"{quoted(tag)} is in settings.languages, and there is no text in it for "
        f"{', '.join(map(quoted, keys))}: {each.rule.id} falls back to the default language"
    )


def _spoken_to(subject: Subject, each: Named, tag: str) -> dict[str, Scalar] | None:
    """Facts of a message in the language for which the action is carried out."""
    space = subject.own.space
    within = {LANGUAGE: space.class_of(LANGUAGE, tag)} if LANGUAGE in space.examples else {}
    facts = facts_for(subject, each, within)
    return None if facts is None else {**facts, LANGUAGE: tag}
