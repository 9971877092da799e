"""A text that an action needs in a language of the settings, and that has no translation.

The lint considers a message tagged with a range of `languages` itself, and the replies to it. A
text falls back to `default_language` if neither the tag nor a shorter one has it. Literal texts in
actions, and ranges that are not tags, such as `*`, are not considered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.analysis.lints.reachable_actions import find_facts_in_language, list_actions
from rules.analysis.solver import StepBudget, StepLimitError
from rules.engine.actions import choose_language, message_keys
from rules.formats.language_tags import derive_language, matches_ranges
from rules.formats.suggestions import quote_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject
    from rules.analysis.lints.reachable_actions import RuleAction
    from rules.model.document import BoundDocument

CODE = "text_not_in_language"
MAX_FINDINGS = 100
"""Findings after which the search stops; there may be more."""
MAX_LOOKUPS = 20_000
"""Maximum of texts times languages to look up, about a second of work."""


def find_missing_translations(subject: LintSubject) -> Iterator[Finding]:
    """Yield each text once per language; raise StepLimitError after MAX_FINDINGS."""
    missing_by_keys: dict[tuple[str, ...], dict[str, list[str]]] = {}
    lookups = StepBudget(MAX_LOOKUPS)
    reported: set[tuple[str, str]] = set()
    finding_count = 0
    for action in list_actions(subject):
        keys = message_keys(action.action)
        if keys not in missing_by_keys:
            missing_by_keys[keys] = _find_missing_languages(
                subject.document.own_binding, keys, lookups
            )
        for tag, missing_keys in missing_by_keys[keys].items():
            new_keys = [key for key in missing_keys if (tag, key) not in reported]
            facts = find_facts_in_language(subject, action, tag) if new_keys else None
            if facts is not None:
                if finding_count == MAX_FINDINGS:
                    raise StepLimitError
                finding_count += 1
                reported.update((tag, key) for key in new_keys)
                yield Finding(
                    action.pointer,
                    CODE,
                    _format_message(action, tag, new_keys),
                    subject.build_example(facts),
                )


def _find_missing_languages(
    binding: BoundDocument, keys: tuple[str, ...], lookups: StepBudget
) -> dict[str, list[str]]:
    """Return the languages in which texts fall back, each with those texts."""
    ranges = {
        tag.lower(): tag for tag in binding.settings["languages"] if derive_language(tag) == tag
    }
    missing_by_tag: dict[str, list[str]] = {}
    for tag in ranges.values() if keys else ():
        lookups.spend()
        chosen_languages = ((key, choose_language(key, binding, (tag,))) for key in keys)
        missing_keys = [
            key
            for key, chosen in chosen_languages
            if not (matches_ranges(tag, [chosen]) or matches_ranges(chosen, [tag]))
        ]
        if missing_keys:
            missing_by_tag[tag] = missing_keys
    return missing_by_tag


def _format_message(action: RuleAction, tag: str, keys: list[str]) -> str:
    return (
        f"{quote_word(tag)} is in settings.languages, but has no text for "
        f"{', '.join(map(quote_word, keys))}: {action.rule.id} falls back to the default language"
    )
