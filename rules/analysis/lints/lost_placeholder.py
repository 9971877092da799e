"""A translation that lacks a placeholder of the text in the default language.

The reader of the translation does not learn the address that the others get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rules.analysis.lints.lint import Finding
from rules.analysis.lints.reachable_actions import find_facts_in_language, list_actions
from rules.engine.actions import PLACEHOLDER, choose_language, message_keys
from rules.errors import json_pointer
from rules.formats.suggestions import quote_word

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.analysis.lints.lint import LintSubject

CODE = "placeholder_not_translated"


def find_lost_placeholders(subject: LintSubject) -> Iterator[Finding]:
    """Yield a finding for each translation of a text that an action uses."""
    binding = subject.document.own_binding
    reported: set[str] = set()
    for action in list_actions(subject):
        for key in message_keys(action.action):
            default = choose_language(key, binding, ())
            wanted = set(PLACEHOLDER.findall(binding.document.messages[default][key]))
            for tag, texts in binding.document.messages.items():
                lost = wanted - set(PLACEHOLDER.findall(texts.get(key, "")))
                pointer = json_pointer("messages", tag, key)
                if key not in texts or not lost or pointer in reported:
                    continue
                facts = find_facts_in_language(subject, action, tag)
                if facts is not None:
                    reported.add(pointer)
                    names = ", ".join(f"{{{name}}}" for name in sorted(lost))
                    message = (
                        f"The text {quote_word(key)} in {quote_word(tag)} lacks {names}, which "
                        f"the text in {quote_word(default)} has: add it"
                    )
                    example = subject.build_example(facts)
                    yield Finding(pointer, CODE, message, example)
