"""The command line on rule documents: shown, checked, tested, explained."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from rules.model import builtin
from tests.policy_service.api_client import document, event, reply
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, tree: Any, name: str = "rules.yaml") -> Path:
    """A file with the document in it."""
    file = folder / name
    text = json.dumps(tree) if name.endswith(".json") else yaml.safe_dump(tree, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def with_test(**expect: str) -> dict[str, Any]:
    """A document with one more test of its own."""
    tree = document()
    return {**tree, "tests": [*tree["tests"], {"name": "One more", "given": {}, "expect": expect}]}


def test_the_built_in_document_is_shown_as_it_is_written() -> None:
    assert call("rules", "show").stdout == builtin.load_text()
    assert as_json("rules", "show") == builtin.load_tree()


def test_what_is_shown_is_good(tmp_path: Path) -> None:
    file = tmp_path / "builtin.yaml"
    file.write_text(call("rules", "show").stdout, encoding="utf-8")
    assert call("rules", "check", file).stdout.endswith(f"{file}: good\n")
    assert as_json("rules", "check", file)["complaints"] == []


def test_json_is_read_as_json(tmp_path: Path) -> None:
    assert (
        as_json("rules", "check", written(tmp_path, document(), "rules.json"))["result"] == "good"
    )
    (tmp_path / "twice.json").write_text('{"format": 1, "format": 1}')
    [complaint] = as_json("rules", "check", tmp_path / "twice.json", code=1)["complaints"]
    assert complaint["code"] == "duplicate_key"


def test_a_bad_document_is_refused_with_every_complaint_and_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    text = builtin.load_text().replace("enabled: true", "enabled: perhaps")
    file.write_text(text.replace("ask_again: 1", "ask_again: -1"), encoding="utf-8")
    complaints = as_json("rules", "check", file, code=1)["complaints"]
    assert [complaint["pointer"] for complaint in complaints] == [
        "/settings/enabled",
        "/settings/ask_again",
    ]
    said = call("rules", "check", file, code=1).stdout.splitlines()
    assert said[-1] == f"{file}: refused"
    for complaint, line in zip(complaints, said, strict=False):
        assert line.startswith(f"{file}:{complaint['line']}: {complaint['pointer']}: ")


def test_a_document_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    """What it says of itself is quoted in complaints, in the pointer too."""
    file = tmp_path / "bad.yaml"
    file.write_text(builtin.load_text() + '"a\\ab": 1\n"a\\ab": 2\n', encoding="utf-8")
    [said, _] = call("rules", "check", file, code=1).stdout.splitlines()
    assert "/a\\x07b: The key a\\x07b is already in line " in said
    assert said.isprintable()


@pytest.mark.parametrize("body", [b"", b"a: [", b"\xff", b"\0", b"- 1", b"&a a: *a"], ids=repr)
def test_what_is_no_document_is_a_finding(tmp_path: Path, body: bytes) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(body)
    for command in ("check", "test"):
        assert as_json("rules", command, file, code=1)["complaints"]
        assert str(file) in call("rules", command, file, code=1).stdout


def test_the_tests_of_a_document_are_run(tmp_path: Path) -> None:
    count = len(builtin.load_tree()["tests"])
    file = written(tmp_path, document())
    assert call("rules", "test", file).stdout.endswith(f"{count} tests passed, 0 failed\n")


def test_a_failing_test_is_a_finding(tmp_path: Path) -> None:
    file = written(tmp_path, with_test(reason="switched_off"))
    result = as_json("rules", "test", file, code=1)
    [complaint] = result["complaints"]
    assert complaint["code"] == "test_failed"
    assert "One more" in complaint["message"]
    assert result["result"].endswith("1 failed")
    assert as_json("rules", "check", file, code=1)["complaints"] == [complaint]


def test_a_rule_that_no_test_decides_is_a_notice(tmp_path: Path) -> None:
    file = written(tmp_path, {**document(), "tests": []})
    result = as_json("rules", "check", file)
    assert {notice["code"] for notice in result["notices"]} == {"rule_untested"}
    assert "notice: " in call("rules", "check", file).stdout


@pytest.mark.parametrize("command", ["check", "test"])
def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path, command: str) -> None:
    call("rules", command, tmp_path / "nothing.yaml", code=2)
    call("rules", command, tmp_path, code=2)
    call("rules", command, code=2)


def test_an_event_is_explained_from_standard_input() -> None:
    given = json.dumps(event(workspace={"plan": "starter"})).encode()
    said = call("rules", "explain", given=given).stdout.splitlines()
    assert said == [
        "  switched-off: settings.enabled is True, wanted False",
        "plan-not-entitled: not_triggered, plan_not_entitled, stage not_routed",
    ]


def test_an_explanation_as_json_has_the_decision_the_facts_and_what_was_tried() -> None:
    given = json.dumps(event()).encode()
    explained = json.loads(call("rules", "explain", "--json", given=given).stdout)
    assert list(explained) == ["decision", "facts", "tried"]
    assert explained["decision"] == {
        "outcome": "ask",
        "reason": "anonymous_contact",
        "rule": "ask-if-customer",
        "stage": "awaiting_answer",
    }
    assert explained["facts"]["message.language"] == "en-GB"
    *before, last = explained["tried"]
    assert last == {"rule": "ask-if-customer", "held": True, "failed": None}
    assert all(list(tried["failed"]) == ["fact", "expected", "actual"] for tried in before)


def test_an_event_is_explained_at_a_stage_under_another_document(tmp_path: Path) -> None:
    event_file = tmp_path / "event.json"
    event_file.write_text(json.dumps(reply("ev-2", "customer")), encoding="utf-8")
    file = written(tmp_path, document(collect_contact=False))
    options: list[str | Path] = ["--document", file, "--stage", "awaiting_answer", "--asks", "1"]
    explained = as_json("rules", "explain", event_file, *options)
    assert explained["decision"]["reason"] == "customer_confirmed"
    assert explained["facts"]["conversation.asks"] == 1


def test_a_document_whose_tests_fail_can_be_explained(tmp_path: Path) -> None:
    """That is when one wants to know."""
    file = written(tmp_path, with_test(reason="switched_off"))
    given = json.dumps(event()).encode()
    assert "ask-if-customer" in call("rules", "explain", "--document", file, given=given).stdout


def test_a_document_that_is_refused_is_not_explained(tmp_path: Path) -> None:
    file = written(tmp_path, document(enabled="perhaps"))
    given = json.dumps(event()).encode()
    assert "refused" in call("rules", "explain", "--document", file, given=given, code=1).stdout


@pytest.mark.parametrize("body", [b"", b"x", b"{}", b"\xff"])
def test_what_is_no_event_is_wrong_use(body: bytes) -> None:
    assert call("rules", "explain", given=body, code=2).stderr.startswith("policy-service: ")
    call("rules", "explain", "--stage", "nowhere", given=body, code=2)
    call("rules", "explain", "--asks", "-1", given=body, code=2)


def test_a_rule_that_only_acts_otherwise_is_told_with_its_actions(tmp_path: Path) -> None:
    """Else the line would have the same words on both sides."""
    one = written(tmp_path, document(), "one.yaml")
    other = written(tmp_path, document(lead_follow_up=[{"assign": {"team": "new"}}]), "two.yaml")
    told = call("rules", "diff", one, other, code=1).stdout.splitlines()
    at = told.index("! lead-qualified (lead, lead_qualified, stage routed) has other actions")
    assert told[at + 1 : at + 4] == [
        '    - assign: {"team": "sales"}',
        '    - add_tag: {"tag": "lead"}',
        '    + assign: {"team": "new"}',
    ]


def test_actions_in_another_order_are_told_to_be(tmp_path: Path) -> None:
    one = written(tmp_path, document(), "one.yaml")
    follow_up = [{"add_tag": "lead"}, {"assign": {"team": "sales"}}]
    other = written(tmp_path, document(lead_follow_up=follow_up), "two.yaml")
    told = call("rules", "diff", one, other, code=1).stdout.splitlines()
    at = told.index("! lead-qualified (lead, lead_qualified, stage routed) has other actions")
    assert told[at + 1] == "    the same in another order"


def test_of_an_action_that_stays_only_what_differs_is_told(tmp_path: Path) -> None:
    one = written(tmp_path, document(), "one.yaml")
    other = written(tmp_path, document(answer_within="PT1H"), "two.yaml")
    told = call("rules", "diff", one, other, code=1).stdout.splitlines()
    rule = "ask-again (ask, unclear_answer, stage awaiting_answer)"
    at = told.index(f"! {rule} has other actions")
    assert told[at + 1 : at + 3] == [
        '    - ask: {"expires_after": "PT3M"}',
        '    + ask: {"expires_after": "PT1H"}',
    ]


def test_of_a_list_the_items_that_are_new_or_gone_are_told(tmp_path: Path) -> None:
    one = written(tmp_path, document(entitled_plans=["pro", "premium"]), "one.yaml")
    two = written(tmp_path, document(entitled_plans=["team", "pro"]), "two.yaml")
    turned = written(tmp_path, document(entitled_plans=["premium", "pro", "team"]), "turned.yaml")
    told = call("rules", "diff", one, two, code=1).stdout.splitlines()
    assert told[:3] == ["~ setting entitled_plans", '    + "team"', '    - "premium"']
    [plans, *_] = call("rules", "diff", one, turned, code=1).stdout.splitlines()
    assert plans == '~ setting entitled_plans: ["pro", "premium"] -> ["premium", "pro", "team"]'


def test_who_writes_settings_alone_is_told_where_rules_come_from(tmp_path: Path) -> None:
    file = written(tmp_path, {"format": 1, "settings": {"enabled": False}})
    complaints = as_json("rules", "check", file, code=1)["complaints"]
    [missing] = [each for each in complaints if each["pointer"] == "/rules"]
    assert missing["code"] == "missing_key"
    assert "for example those of the built-in document" in missing["message"]
