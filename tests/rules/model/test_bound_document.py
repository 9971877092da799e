"""A checked document as frozen values: what it leaves out, and settings in the place of names."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from rules.formats.canonical_json import digest_value
from rules.model import builtin
from rules.model.document import Document, derive_setting_facts, lookup_setting, resolve_references
from rules.model.vocabulary import SETTING_FACTS, SETTINGS

BUILT_IN = builtin.load_tree()
SMALLEST = Document({"rules": [], "otherwise": {"outcome": "noted", "reason": "none"}})


def test_what_is_left_out_is_as_in_the_built_in_document() -> None:
    assert SMALLEST.settings == BUILT_IN["settings"]
    assert SMALLEST.answers == BUILT_IN["answers"]
    assert SMALLEST.messages == BUILT_IN["messages"]
    assert SMALLEST.declared_attributes == {}
    assert SMALLEST.title is None


def test_a_setting_is_changed_and_the_others_stay() -> None:
    document = Document({**SMALLEST.tree, "settings": {"ask_again": 3}})
    assert document.settings == {**BUILT_IN["settings"], "ask_again": 3}


def test_a_choice_lists_its_own_phrases_and_the_other_stays() -> None:
    document = Document({**SMALLEST.tree, "answers": {"customer": ["Sí, señor"]}})
    assert document.phrases["sí señor"] == "customer"
    assert document.phrases["not yet"] == "not_customer"
    assert "yes" not in document.phrases


def test_messages_are_changed_key_by_key_and_languages_added() -> None:
    messages = {"en": {"ask": "Customer?"}, "de": {"ask": "Kunde?"}}
    document = Document({**SMALLEST.tree, "messages": messages})
    assert document.messages["en"] == {**BUILT_IN["messages"]["en"], "ask": "Customer?"}
    assert document.messages["de"] == {"ask": "Kunde?"}


def test_reading_never_changes_the_built_in_document() -> None:
    before = digest_value(BUILT_IN)
    Document({**SMALLEST.tree, "messages": {"en": {"ask": "?"}}}).messages["en"]["customer"] = "!"
    SMALLEST.settings["ask_again"] = 9
    assert digest_value(BUILT_IN) == before
    assert Document(BUILT_IN).digest == before


def test_a_document_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        SMALLEST.tree = {}  # type: ignore[misc]


def test_a_name_stands_for_a_whole_value() -> None:
    settings = {"ask_again": 2, "redirect": {"email": "a@b.example"}, "languages": ["en", "de"]}
    assert resolve_references("$ask_again", settings) == 2
    assert resolve_references({"lte": "$ask_again"}, settings) == {"lte": 2}
    assert resolve_references("$redirect.email", settings) == "a@b.example"
    assert resolve_references({"language": "$languages"}, settings) == {"language": ["en", "de"]}
    assert resolve_references("costs $ask_again", settings) == "costs $ask_again"
    assert resolve_references("$5", settings) == "$5"
    assert resolve_references("$Ask", settings) == "$Ask"


def test_a_list_is_spliced_where_it_stands_in_a_list() -> None:
    settings = {"languages": ["en", "de"], "lead_follow_up": [{"add_tag": "a"}], "ask_again": 1}
    assert resolve_references(["fr", "$languages", "it"], settings) == ["fr", "en", "de", "it"]
    assert resolve_references(["ask", "$lead_follow_up"], settings) == ["ask", {"add_tag": "a"}]
    assert resolve_references(["$ask_again"], settings) == [1]
    assert resolve_references([["fr"]], settings) == [["fr"]]


def test_a_member_that_is_not_set_is_none() -> None:
    assert lookup_setting({"redirect": None}, "redirect.email") is None
    assert lookup_setting({"redirect": {"phone": "+1"}}, "redirect.email") is None
    assert lookup_setting({}, "nothing.at.all") is None


def test_every_setting_and_its_members_are_facts() -> None:
    """A list or a mapping is known and nothing more; what is not set is unknown."""
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


def test_the_built_in_document_has_every_setting_and_no_other() -> None:
    assert set(BUILT_IN["settings"]) == set(SETTINGS)


def test_the_last_rule_is_otherwise() -> None:
    (otherwise,) = SMALLEST.own_binding.rules
    assert (otherwise.id, otherwise.outcome, otherwise.reason) == ("otherwise", "noted", "none")
