"""A checked document as frozen values: defaults for omitted parts, and references to settings."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from rules.formats.canonical_json import digest_value
from rules.model import builtin
from rules.model.document import Document, derive_setting_facts, lookup_setting, resolve_references
from rules.model.vocabulary import SETTING_FACTS, SETTINGS

BUILT_IN = builtin.load_tree()
SMALLEST = Document({"rules": [], "otherwise": {"outcome": "noted", "reason": "none"}})


def test_omitted_parts_come_from_the_built_in_document() -> None:
    assert SMALLEST.settings == BUILT_IN["settings"]
    assert SMALLEST.answers == BUILT_IN["answers"]
    assert SMALLEST.messages == BUILT_IN["messages"]
    assert SMALLEST.declared_attributes == {}
    assert SMALLEST.title is None


def test_document_overrides_one_setting_and_keeps_the_others() -> None:
    document = Document({**SMALLEST.tree, "settings": {"ask_again": 3}})
    assert document.settings == {**BUILT_IN["settings"], "ask_again": 3}


def test_phrases_of_one_answer_replace_only_its_built_in_phrases() -> None:
    document = Document({**SMALLEST.tree, "answers": {"customer": ["Sí, señor"]}})
    assert document.phrases[""]["sí señor"] == "customer"
    assert document.phrases[""]["not yet"] == "not_customer"
    assert "yes" not in document.phrases[""]


def test_messages_are_merged_by_language_and_key() -> None:
    messages = {"en": {"ask": "Customer?"}, "de": {"ask": "Kunde?"}}
    document = Document({**SMALLEST.tree, "messages": messages})
    assert document.messages["en"] == {**BUILT_IN["messages"]["en"], "ask": "Customer?"}
    assert document.messages["de"] == {"ask": "Kunde?"}


def test_changes_of_returned_values_do_not_reach_the_built_in_document() -> None:
    before = digest_value(BUILT_IN)
    Document({**SMALLEST.tree, "messages": {"en": {"ask": "?"}}}).messages["en"]["customer"] = "!"
    SMALLEST.settings["ask_again"] = 9
    assert digest_value(BUILT_IN) == before
    assert Document(BUILT_IN).digest == before


def test_document_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SMALLEST.tree = {}  # type: ignore[misc]


def test_reference_is_replaced_only_as_a_whole_value() -> None:
    settings = {"ask_again": 2, "redirect": {"email": "a@b.example"}, "languages": ["en", "de"]}
    assert resolve_references("$ask_again", settings) == 2
    assert resolve_references({"lte": "$ask_again"}, settings) == {"lte": 2}
    assert resolve_references("$redirect.email", settings) == "a@b.example"
    assert resolve_references({"language": "$languages"}, settings) == {"language": ["en", "de"]}
    assert resolve_references("costs $ask_again", settings) == "costs $ask_again"
    assert resolve_references("$5", settings) == "$5"
    assert resolve_references("$Ask", settings) == "$Ask"


def test_list_setting_is_spliced_into_a_list() -> None:
    settings = {"languages": ["en", "de"], "lead_follow_up": [{"add_tag": "a"}], "ask_again": 1}
    assert resolve_references(["fr", "$languages", "it"], settings) == ["fr", "en", "de", "it"]
    assert resolve_references(["ask", "$lead_follow_up"], settings) == ["ask", {"add_tag": "a"}]
    assert resolve_references(["$ask_again"], settings) == [1]
    assert resolve_references([["fr"]], settings) == [["fr"]]


def test_lookup_of_an_unset_member_returns_none() -> None:
    assert lookup_setting({"redirect": None}, "redirect.email") is None
    assert lookup_setting({"redirect": {"phone": "+1"}}, "redirect.email") is None
    assert lookup_setting({}, "nothing.at.all") is None


def test_settings_and_their_members_become_facts() -> None:
    """A list or mapping is only known or unknown; an unset setting is unknown."""
    facts = derive_setting_facts(
        {**BUILT_IN["settings"], "redirect": {"website": "https://a.example"}}
    )
    assert facts["settings.entitled_plans"] is True
    assert facts["settings.redirect"] is True
    assert facts["settings.redirect.website"] == "https://a.example"
    assert facts["settings.customer_destination.team"] == "support"
    assert facts["settings.ask_again"] == 1
    assert "settings.redirect.email" not in facts
    assert "settings.office_hours" not in facts
    assert "settings.customer_destination.teammate" not in facts
    assert set(facts) <= set(SETTING_FACTS)


def test_built_in_document_sets_exactly_the_settings_of_the_vocabulary() -> None:
    assert set(BUILT_IN["settings"]) == set(SETTINGS)


def test_last_bound_rule_is_otherwise() -> None:
    (otherwise,) = SMALLEST.own_binding.rules
    assert (otherwise.id, otherwise.outcome, otherwise.reason) == ("otherwise", "noted", "none")
