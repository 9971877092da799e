"""All combinations of the values that matter to a small document."""

from __future__ import annotations

from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any

from rules.analysis.domains import build_domains, is_possible
from rules.model.test_defaults import BASE_FACTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.model.document import Document, Facts

TRIED: dict[str, tuple[Any, ...]] = {
    "message.language": (
        *(None, "en", "EN", "en-GB", "en-gb", "en-US", "enm", "de", "de-AT", "de-DE", "de-de-1996"),
        *("de-Latn-DE", "fr", "fr-FR", "i-klingon", "pro", "new"),
    ),
    "workspace.plan": ("pro", "starter", "gold", "en", "EN", "en-GB", "enm", "de-DE", "fr", "new"),
    "conversation.channel": ("messenger", "pro", "starter", "en", "en-GB", "EN-gb", "fr", "new"),
    "conversation.asks": (0, 1, 2, 3, 4),
    "sample.bucket": (0, 1, 2, 3, 4, 9_999),
    "attributes.seats": (None, -2, -1, 0, 1, 2, 3, 4),
    "attributes.source": (None, "", "pro", "starter", "en", "EN", "en-GB", "fr", "new", "gold"),
    "attributes.trial": (None, True, False),
    "attributes.tier": (None, "gold", "silver"),
    "answer": (None, "customer", "not_customer", "unclear"),
    "question.open": (None, True, False),
    "conversation.direction": (None, "inbound", "outbound"),
    "contact.reachable": (True, False),
    "conversation.assigned": (True, False),
}
MAX_TRIED_POINTS = 4_000


def all_facts(document: Document, *others: Document) -> Iterator[Facts]:
    """Yield every possible combination of tested facts; nothing if there are too many."""
    parts = [(each.tree["guards"], each.tree["rules"]) for each in (document, *others)]
    parts += [([each.tree["otherwise"]], []) for each in (document, *others)]
    names = tested_facts([list(part) for part in parts])
    within = build_domains(document, document.settings)
    asked = sorted(name for name in {*names, "event.type"} if not name.startswith("settings."))
    values = [TRIED.get(name) or within[name].fact.values or (True, False) for name in asked]
    if prod(map(len, values)) > MAX_TRIED_POINTS:
        return
    for chosen in product(*values):
        tried = {**BASE_FACTS, **dict(zip(asked, chosen, strict=True))}
        known = {name: value for name, value in tried.items() if value is not None}
        for name, kind in (("answer", "contact.replied"), ("question.open", "question.expired")):
            if known["event.type"] == kind and name not in known and name not in asked:
                known[name] = {"answer": "unclear", "question.open": True}[name]
        if is_possible(known, within):
            yield known


def tested_facts(value: Any) -> set[str]:
    """Return the names of the facts that a part of a document tests."""
    if isinstance(value, dict):
        named = {name for name in value if "." in name or name == "answer"}
        return named.union(*map(tested_facts, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(tested_facts, value)) if value else set()
    return set()
