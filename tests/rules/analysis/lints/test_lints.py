"""Each finding is told where its page says so, shown by facts, and not where the page prefers."""

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

PAGES = ROOT / "docs" / "checks"


def found(
    source: DocumentSource, directory: WorkspaceDirectory = EMPTY_DIRECTORY
) -> tuple[Finding, ...]:
    told, undecided = run_lints(LintSubject(Document(source.value), directory), source)
    assert undecided == ()
    return told


def example(code: str, heading: str) -> DocumentSource:
    """The document that a page shows under this heading."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    shown = re.search(rf"{heading}:\n\n```yaml\n(.*?)```", page, re.DOTALL)
    assert shown
    whole = f"format: 1\notherwise: {{outcome: noted, reason: none}}\n{shown[1]}"
    return read_yaml(whole)


def directory_of(code: str) -> WorkspaceDirectory:
    """The directory that a page says its documents are held against, or none."""
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    shown = re.search(r"```json\n(.*?)```", page, re.DOTALL)
    return build_directory(json.loads(shown[1])) if shown else EMPTY_DIRECTORY


def codes(findings: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in findings}


def test_every_finding_has_a_page_and_every_page_a_finding() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(FINDING_CODES)
    assert {code for codes_told in LINTS for code in codes_told} == set(FINDING_CODES)


@pytest.mark.parametrize("code", FINDING_CODES)
def test_what_a_page_says_to_avoid_is_found_with_its_line_and_an_example(code: str) -> None:
    source = example(code, "Avoid")
    own = Document(source.value).own_binding
    told = [finding for finding in found(source, directory_of(code)) if finding.code == code]
    assert told
    for finding in told:
        assert finding.line
        assert finding.example
        decided = explain_ruling(own, complete_facts(finding.example.given)).ruling
        assert (decided.rule, decided.reason) == (
            finding.example.decision.rule,
            finding.example.decision.reason,
        )


@pytest.mark.parametrize("code", FINDING_CODES)
def test_what_a_page_prefers_is_not_found(code: str) -> None:
    assert code not in codes(found(example(code, "Prefer"), directory_of(code)))


def test_of_the_built_in_document_it_is_told_only_what_otherwise_decides() -> None:
    [only] = found(read_yaml(builtin.load_text()))
    assert only.code == "otherwise_decides"
    assert "qualification.completed events in awaiting_answer, awaiting_contact" in only.message


def document(*rules: dict[str, Any], **parts: Any) -> DocumentSource:
    written = [
        {"id": f"r-{number}", "outcome": "noted", "reason": "noted", **rule}
        for number, rule in enumerate(rules)
    ]
    otherwise = {"outcome": "noted", "reason": "none"}
    return read_value({"format": 1, "rules": written, "otherwise": otherwise, **parts})


def test_a_rule_is_hidden_by_several_together() -> None:
    """None of them alone would do, and all that are needed are named."""
    source = document(
        {"when": {"sample.bucket": {"lt": 5000}}},
        {"when": {"sample.bucket": {"gt": 4999}, "contact.kind": {"not": "lead"}}},
        {"when": {"contact.kind": "lead", "sample.bucket": {"gte": 5000}}},
        {"when": {"workspace.plan": "gold"}},
    )
    [finding] = (each for each in found(source) if each.code == "rule_unreachable")
    assert finding.pointer == "/rules/3"
    assert all(name in finding.message for name in ("r-0", "r-1", "r-2"))


def test_a_rule_that_a_setting_switches_off_is_not_told() -> None:
    off = {"when": {"settings.enabled": False, "contact.kind": "user"}}
    assert "rule_unreachable" not in codes(found(document(off)))


def test_a_rule_that_no_setting_switches_on_is_told() -> None:
    rules = [{"when": {"settings.enabled": value}} for value in (True, False)]
    told = found(document(*rules, {"when": {"contact.kind": "user"}}))
    assert [each.pointer for each in told if each.code == "rule_unreachable"] == ["/rules/2"]


ASSIGNED: dict[str, Any] = {
    "when": {"conversation.stage": "new"},
    "actions": [{"assign": {"teammate": "tm-9"}}, {"add_tag": "vip"}, {"add_tag": "vip"}],
}


def names(source: DocumentSource, **told: list[str]) -> list[tuple[str, str]]:
    """Where a name is unknown, and what is said of it."""
    findings = found(source, build_directory(told))
    return [(each.pointer, each.message) for each in findings if each.code == UNKNOWN]


def test_of_a_sort_that_the_directory_does_not_tell_no_name_is_missed() -> None:
    assert names(document(ASSIGNED)) == []
    assert names(document(ASSIGNED), teams=["support"]) == []
    [(at, said)] = names(document(ASSIGNED), teammates=["tm-1"])
    assert at == "/rules/0/actions/0"
    assert said == "The directory has no teammate `tm-9`: did you mean tm-1?"


def test_a_list_without_names_knows_none() -> None:
    assert [at for at, _ in names(document(ASSIGNED), tags=[])] == [
        "/rules/0/actions/1",
        "/rules/0/actions/2",
    ]


def test_a_name_in_a_setting_is_told_where_it_is_written() -> None:
    """Once, however many rules name the setting; where it is as built in, in the rule."""
    tree = {**builtin.load_tree(), "tests": []}
    settings = {"customer_destination": {"team": "help"}}
    for number, follow_up in enumerate(([{"add_tag": "lead"}, {"add_tag": "hot"}], None)):
        more = {"lead_follow_up": follow_up} if follow_up else {}
        source = read_value({**tree, "settings": {**settings, **more}})
        told = names(source, teams=["inbox", "sales"], tags=["lead"] if follow_up else ["hot"])
        assert "/settings/customer_destination" in [at for at, _ in told]
        assert sum("`help`" in said for _, said in told) == 1
        where = [at for at, said in told if "no tag" in said]
        assert (
            where == ["/settings/lead_follow_up/1"]
            if number == 0
            else where[0].startswith("/rules/")
        )


def test_a_name_that_no_event_leads_to_is_not_missed() -> None:
    never = {**ASSIGNED, "when": {"settings.enabled": False}}
    assert names(document(never), teammates=[]) == []
    conditional = {"add_tag": "vip", "when": {"contact.kind": "user"}}
    rules = [
        {"when": {"contact.kind": kind}, "actions": [conditional]} for kind in ("lead", "user")
    ]
    assert [at for at, _ in names(document(*rules), tags=[])] == ["/rules/1/actions/0"]


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


def unspoken(languages: list[str], *rules: dict[str, Any], **parts: Any) -> list[Finding]:
    """What is told of texts, of rules that speak English and what `parts` says."""
    messages = {"en": ENGLISH, **parts.pop("messages", {})}
    settings = {"languages": languages, **parts.pop("settings", {})}
    source = document(*(rules or [SPOKEN]), messages=messages, settings=settings, **parts)
    return [each for each in found(source) if each.code == UNSPOKEN]


def test_each_text_is_missed_once_in_a_language_where_it_is_said_first() -> None:
    hours, thanks = unspoken(["en", "fr"])
    assert (hours.pointer, thanks.pointer) == ("/rules/0/actions/0", "/rules/0/actions/1")
    assert hours.message == (
        "`fr` is in settings.languages, but has no text for `hours`: "
        "r-0 falls back to the default language"
    )


def test_the_texts_of_one_action_are_missed_together() -> None:
    ask = {"when": {"conversation.stage": "new"}, "actions": ["ask"]}
    [missed] = unspoken(["fr"], ask, messages={"fr": {"customer": "Oui"}})
    assert "for `ask`, `not_customer`: r-0" in missed.message


@pytest.mark.parametrize(
    ("wanted", "written", "default", "missed"),
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
def test_a_text_is_missed_where_looking_it_up_ends_in_another_language(
    wanted: str, written: str, default: str, *, missed: bool
) -> None:
    told = unspoken([wanted], messages={written: ENGLISH}, settings={"default_language": default})
    assert bool(told) is missed


def test_the_conversation_of_a_missed_text_hears_it_in_the_default_language() -> None:
    """All of it is in the language that the settings list."""
    tree = {**builtin.load_tree(), "settings": {"languages": ["en", "fr-CA"]}, "tests": []}
    told = [each for each in found(read_value(tree)) if each.code == UNSPOKEN]
    assert len(told) == 3
    for each in told:
        assert each.example
        events = each.example.conversation or ()
        spoken = [{**event["contact"], **event.get("message", {})} for event in events]
        assert {said.get("language") for said in spoken} == {"fr-CA"}
        own = Document(tree).own_binding
        ruling = explain_ruling(own, complete_facts(each.example.given)).ruling
        carried_out = render_actions(ruling, own, "dec", "2026-01-05T10:00:00Z", ["fr-CA"])
        assert (
            carried_out[int(each.pointer.rpartition("/")[2])]["text"]
            in own.document.messages["en"].values()
        )


def test_a_text_that_no_event_in_the_language_is_told_is_not_missed() -> None:
    english = {**SPOKEN, "when": {"message.language": {"language": "en"}}}
    assert unspoken(["en", "fr"], english) == []
    off = {**SPOKEN, "when": {"settings.enabled": False}}
    assert unspoken(["en", "fr"], off) == []
    not_german = {"when": {"message.language": "de"}}
    told = unspoken(["de", "fr"], not_german, SPOKEN)
    assert {each.message.partition(" ")[0] for each in told} == {"`fr`"}


def test_after_many_missed_texts_the_rest_is_undecided() -> None:
    tags = [f"{one}{other}" for one in "abcdefghij" for other in "klmnopqrstu"]
    source = document(SPOKEN, settings={"languages": tags}, messages={"en": ENGLISH})
    told, undecided = run_lints(LintSubject(Document(source.value)), source)
    assert undecided == (UNSPOKEN,)
    assert sum(each.code == UNSPOKEN for each in told) == MAX_FINDINGS


def test_that_no_text_is_missed_takes_no_search() -> None:
    source = document(SPOKEN, messages={"en": ENGLISH})
    told, undecided = run_lints(LintSubject(Document(source.value), max_steps=0), source)
    assert UNSPOKEN not in undecided
    assert told == ()


def test_facts_that_findings_start_from_are_possible() -> None:
    assert (
        LintSubject(Document(builtin.load_tree()))
        .own_search.domains["office.open"]
        .admits(BASE_FACTS["office.open"])
    )
