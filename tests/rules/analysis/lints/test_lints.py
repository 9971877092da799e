"""Each lint reports the "Avoid" document of its page with an example, and not the "Prefer" one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from rules.analysis.lints import FINDING_CODES, LINTS, run_lints
from rules.analysis.lints.lint import LintSubject
from rules.analysis.lints.missing_translation import CODE as UNSPOKEN
from rules.analysis.lints.missing_translation import MAX_FINDINGS
from rules.analysis.lints.unknown_name import CODE as UNKNOWN
from rules.engine.actions import render_actions
from rules.engine.evaluator import explain_ruling
from rules.formats.document_text import DocumentSource, read_value, read_yaml
from rules.model import builtin
from rules.model.directory import EMPTY_DIRECTORY, build_directory
from rules.model.document import Document
from rules.model.test_defaults import BASE_FACTS, complete_facts
from tests.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rules.analysis.lints.lint import Finding
    from rules.model.directory import WorkspaceDirectory

PAGES = ROOT / "docs" / "findings"


def find(
    source: DocumentSource, directory: WorkspaceDirectory = EMPTY_DIRECTORY
) -> tuple[Finding, ...]:
    reported, undecided = run_lints(LintSubject(Document(source.value), directory), source)
    assert undecided == ()
    return reported


def read_example(code: str, heading: str) -> DocumentSource:
    """Return the document that a page shows under this heading."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    block = re.search(rf"{heading}:\n\n```yaml\n(.*?)```", page, re.DOTALL)
    assert block
    whole = f"format: 1\notherwise: {{outcome: noted, reason: none}}\n{block[1]}"
    return read_yaml(whole)


def directory_of(code: str) -> WorkspaceDirectory:
    """Return the directory that a page shows, or the empty directory."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    block = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    return build_directory(json.loads(block[1])) if block else EMPTY_DIRECTORY


def codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_finding_codes_and_pages_correspond() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(FINDING_CODES)
    assert {code for codes_told in LINTS for code in codes_told} == set(FINDING_CODES)


@pytest.mark.parametrize("code", FINDING_CODES)
def test_avoid_document_of_a_page_is_reported_with_line_and_example(code: str) -> None:
    source = read_example(code, "Avoid")
    own = Document(source.value).own_binding
    reported = [finding for finding in find(source, directory_of(code)) if finding.code == code]
    assert reported
    for finding in reported:
        assert finding.line
        assert finding.example
        decided = explain_ruling(own, complete_facts(finding.example.given)).ruling
        assert (decided.rule, decided.reason) == (
            finding.example.decision.rule,
            finding.example.decision.reason,
        )


@pytest.mark.parametrize("code", FINDING_CODES)
def test_prefer_document_of_a_page_is_not_reported(code: str) -> None:
    assert code not in codes(find(read_example(code, "Prefer"), directory_of(code)))


def test_built_in_document_has_only_the_finding_otherwise_decides() -> None:
    [finding_] = find(read_yaml(builtin.load_text()))
    assert finding_.code == "otherwise_decides"
    assert "qualification.completed events in awaiting_answer, awaiting_contact" in finding_.message


def document_of(*rules: dict[str, Any], **parts: Any) -> DocumentSource:
    written = [
        {"id": f"r-{number}", "outcome": "noted", "reason": "noted", **rule}
        for number, rule in enumerate(rules)
    ]
    otherwise = {"outcome": "noted", "reason": "none"}
    return read_value({"format": 1, "rules": written, "otherwise": otherwise, **parts})


def test_rule_hidden_by_several_rules_together_is_reported() -> None:
    """No rule hides it alone, and the message names all that are needed."""
    source = document_of(
        {"when": {"sample.bucket": {"lt": 5000}}},
        {"when": {"sample.bucket": {"gt": 4999}, "contact.kind": {"not": "lead"}}},
        {"when": {"contact.kind": "lead", "sample.bucket": {"gte": 5000}}},
        {"when": {"workspace.plan": "gold"}},
    )
    [finding] = (each for each in find(source) if each.code == "rule_unreachable")
    assert finding.pointer == "/rules/3"
    assert all(name in finding.message for name in ("r-0", "r-1", "r-2"))


def test_rule_that_a_setting_switches_off_is_not_reported() -> None:
    off = {"when": {"settings.enabled": False, "contact.kind": "user"}}
    assert "rule_unreachable" not in codes(find(document_of(off)))


def test_rule_that_no_setting_makes_reachable_is_reported() -> None:
    rules = [{"when": {"settings.enabled": value}} for value in (True, False)]
    reported = find(document_of(*rules, {"when": {"contact.kind": "user"}}))
    assert [each.pointer for each in reported if each.code == "rule_unreachable"] == ["/rules/2"]


ASSIGNED: dict[str, Any] = {
    "when": {"conversation.stage": "new"},
    "actions": [{"assign": {"teammate": "tm-9"}}, {"add_tag": "vip"}, {"add_tag": "vip"}],
}


def find_unknown_names(source: DocumentSource, **reported: list[str]) -> list[tuple[str, str]]:
    """Return the place and the message of each unknown name."""
    findings = find(source, build_directory(reported))
    return [(each.pointer, each.message) for each in findings if each.code == UNKNOWN]


def test_name_is_reported_only_when_the_directory_lists_its_kind() -> None:
    assert find_unknown_names(document_of(ASSIGNED)) == []
    assert find_unknown_names(document_of(ASSIGNED), teams=["support"]) == []
    [(at, text)] = find_unknown_names(document_of(ASSIGNED), teammates=["tm-1"])
    assert at == "/rules/0/actions/0"
    assert text == "The directory has no teammate `tm-9`: did you mean tm-1?"


def test_every_name_is_reported_when_the_directory_list_is_empty() -> None:
    assert [at for at, _ in find_unknown_names(document_of(ASSIGNED), tags=[])] == [
        "/rules/0/actions/1",
        "/rules/0/actions/2",
    ]


def test_name_in_a_setting_is_reported_once_at_its_place() -> None:
    """If the setting has its built-in value, the place is the rule."""
    tree = {**builtin.load_tree(), "tests": []}
    settings = {"customer_destination": {"team": "help"}}
    for number, follow_up in enumerate(([{"add_tag": "lead"}, {"add_tag": "hot"}], None)):
        more = {"lead_follow_up": follow_up} if follow_up else {}
        source = read_value({**tree, "settings": {**settings, **more}})
        reported = find_unknown_names(
            source, teams=["inbox", "sales"], tags=["lead"] if follow_up else ["hot"]
        )
        assert "/settings/customer_destination" in [at for at, _ in reported]
        assert sum("`help`" in text for _, text in reported) == 1
        tag_pointers = [at for at, text in reported if "no tag" in text]
        assert (
            tag_pointers == ["/settings/lead_follow_up/1"]
            if number == 0
            else tag_pointers[0].startswith("/rules/")
        )


def test_name_is_not_reported_when_no_event_triggers_its_action() -> None:
    never = {**ASSIGNED, "when": {"settings.enabled": False}}
    assert find_unknown_names(document_of(never), teammates=[]) == []
    conditional = {"add_tag": "vip", "when": {"contact.kind": "user"}}
    rules = [
        {"when": {"contact.kind": kind}, "actions": [conditional]} for kind in ("lead", "user")
    ]
    assert [at for at, _ in find_unknown_names(document_of(*rules), tags=[])] == [
        "/rules/1/actions/0"
    ]


ENGLISH = {"hours": "From nine to five", "thanks": "Thank you"}
SPOKEN: dict[str, Any] = {
    "when": {"conversation.stage": "new"},
    "actions": [
        {"send_message": {"message": "hours"}},
        {"note": {"message": "thanks"}},
        {"send_message": "Grüß Gott"},
        {"send_message": {"message": "hours"}},
    ],
}


def find_missing_translations(
    languages: list[str], *rules: dict[str, Any], **parts: Any
) -> list[Finding]:
    """Return the findings on missing translations of rules with English texts."""
    messages = {"en": ENGLISH, **parts.pop("messages", {})}
    settings = {"languages": languages, **parts.pop("settings", {})}
    source = document_of(*(rules or [SPOKEN]), messages=messages, settings=settings, **parts)
    return [each for each in find(source) if each.code == UNSPOKEN]


def test_missing_translation_is_reported_once_at_its_first_use() -> None:
    hours, thanks = find_missing_translations(["en", "fr"])
    assert (hours.pointer, thanks.pointer) == ("/rules/0/actions/0", "/rules/0/actions/1")
    assert hours.message == (
        "`fr` is in settings.languages, but has no text for `hours`: "
        "r-0 falls back to the default language"
    )


def test_missing_translations_of_one_action_are_one_finding() -> None:
    ask = {"when": {"conversation.stage": "new"}, "actions": ["ask"]}
    [missed] = find_missing_translations(["fr"], ask, messages={"fr": {"customer": "Oui"}})
    assert "for `ask`, `not_customer`: r-0" in missed.message


@pytest.mark.parametrize(
    ("language", "written", "default", "missed"),
    [
        ("de", "de", "en", False),
        ("de-AT", "de", "en", False),
        ("DE-at", "de-AT", "en", False),
        ("de", "de-AT", "en", True),
        ("de-AT", "de-CH", "en", True),
        ("de", "de-AT", "de-AT", False),
        ("*", "de", "en", False),
        ("a", "de", "en", False),
    ],
)
def test_translation_is_missing_when_lookup_ends_in_another_language(
    language: str, written: str, default: str, *, missed: bool
) -> None:
    reported = find_missing_translations(
        [language], messages={written: ENGLISH}, settings={"default_language": default}
    )
    assert bool(reported) is missed


def test_example_of_a_missing_translation_gets_the_default_language() -> None:
    """The whole conversation is in the language that the settings list."""
    tree = {**builtin.load_tree(), "settings": {"languages": ["en", "fr-CA"]}, "tests": []}
    reported = [each for each in find(read_value(tree)) if each.code == UNSPOKEN]
    assert len(reported) == 3
    for each in reported:
        assert each.example
        events = each.example.conversation or ()
        spoken = [{**event["contact"], **event.get("message", {})} for event in events]
        assert {text.get("language") for text in spoken} == {"fr-CA"}
        own = Document(tree).own_binding
        ruling = explain_ruling(own, complete_facts(each.example.given)).ruling
        carried_out = render_actions(ruling, own, "dec", "2026-01-05T10:00:00Z", ["fr-CA"])
        assert (
            carried_out[int(each.pointer.rpartition("/")[2])]["text"]
            in own.document.messages["en"].values()
        )


def test_translation_is_not_missing_when_no_event_in_the_language_needs_it() -> None:
    english = {**SPOKEN, "when": {"message.language": {"language": "en"}}}
    assert find_missing_translations(["en", "fr"], english) == []
    off = {**SPOKEN, "when": {"settings.enabled": False}}
    assert find_missing_translations(["en", "fr"], off) == []
    not_german = {"when": {"message.language": "de"}}
    reported = find_missing_translations(["de", "fr"], not_german, SPOKEN)
    assert {each.message.partition(" ")[0] for each in reported} == {"`fr`"}


def test_missing_translations_are_undecided_after_the_maximum_of_findings() -> None:
    tags = [f"{one}{other}" for one in "abcdefghij" for other in "klmnopqrstu"]
    source = document_of(SPOKEN, settings={"languages": tags}, messages={"en": ENGLISH})
    reported, undecided = run_lints(LintSubject(Document(source.value)), source)
    assert undecided == (UNSPOKEN,)
    assert sum(each.code == UNSPOKEN for each in reported) == MAX_FINDINGS


def test_complete_translations_take_no_search_steps() -> None:
    source = document_of(SPOKEN, messages={"en": ENGLISH})
    reported, undecided = run_lints(LintSubject(Document(source.value), max_steps=0), source)
    assert UNSPOKEN not in undecided
    assert reported == ()


def test_base_facts_of_the_lints_are_possible() -> None:
    assert (
        LintSubject(Document(builtin.load_tree()))
        .own_search.domains["office.open"]
        .admits(BASE_FACTS["office.open"])
    )
