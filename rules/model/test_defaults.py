"""The base facts and default settings of a document's tests. A test overrides them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.model.vocabulary import DEFAULT_CHANNEL, SETTING_FACTS, EventType, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTING_PREFIX = "settings."
_DEFAULT_REDIRECT = {"email": "help@example.com"}
"""Redirect address for tests that need an address and give none."""

BASE_FACTS: dict[str, str | bool | int] = {
    "event.type": EventType.STARTED.value,
    "workspace.plan": "pro",
    "conversation.direction": "inbound",
    "conversation.channel": DEFAULT_CHANNEL,
    "conversation.assigned": False,
    "conversation.stage": Stage.NEW.value,
    "conversation.asks": 0,
    "contact.kind": "lead",
    "contact.identity": "none",
    "contact.reachable": False,
    "message.language": "en",
    "office.open": True,
    "sample.bucket": 0,
}
"""The facts of a test that overrides nothing."""


def complete_facts(given_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the base facts, overridden by the given ones; null makes a fact unknown.

    The result has no settings.
    """
    overrides = {name: value for name, value in given_facts.items() if name not in SETTING_FACTS}
    return {name: value for name, value in {**BASE_FACTS, **overrides}.items() if value is not None}


def overridden_settings(given_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that a test overrides, by name.

    A setting given by its members consists of these members alone.
    """
    names = dict.fromkeys(setting_name(fact) for fact in given_facts if fact in SETTING_FACTS)
    return {name: _setting_value(given_facts, name) for name in names}


def add_default_redirect(given_facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given facts, with a redirect address if the given settings need one."""
    has_member = any(name.startswith("settings.redirect.") for name in given_facts)
    is_needed = given_facts.get("settings.customer_route") == "redirect" or given_facts.get(
        "settings.redirect"
    )
    other_facts = {
        name: value for name, value in given_facts.items() if name != "settings.redirect"
    }
    return (
        {**other_facts, "settings.redirect": _DEFAULT_REDIRECT}
        if is_needed and not has_member
        else other_facts
    )


def setting_name(fact: str) -> str:
    """Return the setting that a fact is, or is a member of."""
    return fact.removeprefix(SETTING_PREFIX).partition(".")[0]


def setting_members(given_facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return the members of a setting that are given one by one, without null members."""
    start = f"{SETTING_PREFIX}{name}."
    members = {
        fact.removeprefix(start): v for fact, v in given_facts.items() if fact.startswith(start)
    }
    return {member: value for member, value in members.items() if value is not None}


def _setting_value(given_facts: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any JSON value
    value = given_facts.get(SETTING_PREFIX + name)
    return (
        value
        if SETTING_PREFIX + name in given_facts
        else setting_members(given_facts, name) or None
    )
