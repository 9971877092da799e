"""`rules`: documents are shown, checked, tested, explained and compared."""

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
    """Write a document to a file and return its path."""
    file = folder / name
    text = json.dumps(tree) if name.endswith(".json") else yaml.safe_dump(tree, sort_keys=False)
    file.write_text(text, encoding="utf-8")
    return file


def with_test(**expect: str) -> dict[str, Any]:
    """Return a document with one more test."""
    tree = document()
    return {**tree, "tests": [*tree["tests"], {"name": "One more", "given": {}, "expect": expect}]}


def test_rules_show_prints_the_built_in_document() -> None:
    assert call("rules", "show").stdout == builtin.load_text()
    assert as_json("rules", "show") == builtin.load_tree()


def test_rules_check_accepts_the_output_of_rules_show(tmp_path: Path) -> None:
    file = tmp_path / "builtin.yaml"
    file.write_text(call("rules", "show").stdout, encoding="utf-8")
    assert call("rules", "check", file).stdout.endswith(f"{file}: good\n")
    assert as_json("rules", "check", file)["complaints"] == []


def test_rules_check_reads_a_json_file_as_strict_json(tmp_path: Path) -> None:
    assert (
        as_json("rules", "check", written(tmp_path, document(), "rules.json"))["result"] == "good"
    )
    (tmp_path / "twice.json").write_text('{"format": 1, "format": 1}')
    [complaint] = as_json("rules", "check", tmp_path / "twice.json", code=1)["complaints"]
    assert complaint["code"] == "duplicate_key"


def test_rules_check_prints_every_complaint_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    text = builtin.load_text().replace("enabled: true", "enabled: perhaps")
    file.write_text(text.replace("ask_again: 1", "ask_again: -1"), encoding="utf-8")
    complaints = as_json("rules", "check", file, code=1)["complaints"]
    assert [complaint["pointer"] for complaint in complaints] == [
        "/settings/enabled",
        "/settings/ask_again",
    ]
    output = call("rules", "check", file, code=1).stdout.splitlines()
    assert output[-1] == f"{file}: refused"
    for complaint, line in zip(complaints, output, strict=False):
        assert line.startswith(f"{file}:{complaint['line']}: {complaint['pointer']}: ")


def test_rules_check_prints_no_control_character_of_the_document(tmp_path: Path) -> None:
    """Complaints quote the document, also in the pointer."""
    file = tmp_path / "bad.yaml"
    file.write_text(builtin.load_text() + '"a\\ab": 1\n"a\\ab": 2\n', encoding="utf-8")
    [output, _] = call("rules", "check", file, code=1).stdout.splitlines()
    assert "/a\\x07b: The key a\\x07b is already in line " in output
    assert output.isprintable()


@pytest.mark.parametrize("body", [b"", b"a: [", b"\xff", b"\0", b"- 1", b"&a a: *a"], ids=repr)
def test_rules_check_and_test_exit_with_1_when_the_file_is_not_a_document(
    tmp_path: Path, body: bytes
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_bytes(body)
    for command in ("check", "test"):
        assert as_json("rules", command, file, code=1)["complaints"]
        assert str(file) in call("rules", command, file, code=1).stdout


def test_rules_test_prints_the_number_of_passed_tests(tmp_path: Path) -> None:
    count = len(builtin.load_tree()["tests"])
    file = written(tmp_path, document())
    assert call("rules", "test", file).stdout.endswith(f"{count} tests passed, 0 failed\n")


def test_rules_test_exits_with_1_when_a_test_fails(tmp_path: Path) -> None:
    file = written(tmp_path, with_test(reason="switched_off"))
    result = as_json("rules", "test", file, code=1)
    [complaint] = result["complaints"]
    assert complaint["code"] == "test_failed"
    assert "One more" in complaint["message"]
    assert result["result"].endswith("1 failed")
    assert as_json("rules", "check", file, code=1)["complaints"] == [complaint]


def test_rules_check_prints_a_notice_for_an_untested_rule(tmp_path: Path) -> None:
    file = written(tmp_path, {**document(), "tests": []})
    result = as_json("rules", "check", file)
    assert {notice["code"] for notice in result["notices"]} == {"rule_untested"}
    assert "notice: " in call("rules", "check", file).stdout


@pytest.mark.parametrize("command", ["check", "test"])
def test_rules_check_and_test_exit_with_2_when_the_file_is_missing(
    tmp_path: Path, command: str
) -> None:
    call("rules", command, tmp_path / "nothing.yaml", code=2)
    call("rules", command, tmp_path, code=2)
    call("rules", command, code=2)


def test_rules_explain_reads_an_event_from_standard_input() -> None:
    given = json.dumps(event(workspace={"plan": "starter"})).encode()
    output = call("rules", "explain", given=given).stdout.splitlines()
    assert output == [
        "  switched-off: settings.enabled is True, wanted False",
        "plan-not-entitled: not_triggered, plan_not_entitled, stage not_routed",
    ]


def test_rules_explain_json_has_decision_facts_and_attempts() -> None:
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


def test_rules_explain_takes_a_stage_and_a_document(tmp_path: Path) -> None:
    event_file = tmp_path / "event.json"
    event_file.write_text(json.dumps(reply("ev-2", "customer")), encoding="utf-8")
    file = written(tmp_path, document(collect_contact=False))
    options: list[str | Path] = ["--document", file, "--stage", "awaiting_answer", "--asks", "1"]
    explained = as_json("rules", "explain", event_file, *options)
    assert explained["decision"]["reason"] == "customer_confirmed"
    assert explained["facts"]["conversation.asks"] == 1


def test_rules_explain_works_when_a_test_of_the_document_fails(tmp_path: Path) -> None:
    """Authors need explanations most if a test fails."""
    file = written(tmp_path, with_test(reason="switched_off"))
    given = json.dumps(event()).encode()
    assert "ask-if-customer" in call("rules", "explain", "--document", file, given=given).stdout


def test_rules_explain_exits_with_1_when_the_document_is_invalid(tmp_path: Path) -> None:
    file = written(tmp_path, document(enabled="perhaps"))
    given = json.dumps(event()).encode()
    assert "refused" in call("rules", "explain", "--document", file, given=given, code=1).stdout


@pytest.mark.parametrize("body", [b"", b"x", b"{}", b"\xff"])
def test_rules_explain_exits_with_2_when_the_input_is_not_an_event(body: bytes) -> None:
    assert call("rules", "explain", given=body, code=2).stderr.startswith("policy-service: ")
    call("rules", "explain", "--stage", "nowhere", given=body, code=2)
    call("rules", "explain", "--asks", "-1", given=body, code=2)


def test_rules_diff_prints_the_actions_when_only_they_differ(tmp_path: Path) -> None:
    """Without the actions, both sides of the line would be equal."""
    one = written(tmp_path, document(), "one.yaml")
    other = written(tmp_path, document(lead_follow_up=[{"assign": {"team": "new"}}]), "two.yaml")
    diff_lines = call("rules", "diff", one, other, code=1).stdout.splitlines()
    at = diff_lines.index("! lead-qualified (lead, lead_qualified, stage routed) has other actions")
    assert diff_lines[at + 1 : at + 4] == [
        '    - assign: {"team": "sales"}',
        '    - add_tag: {"tag": "lead"}',
        '    + assign: {"team": "new"}',
    ]


def test_rules_diff_reports_a_different_order_of_actions(tmp_path: Path) -> None:
    one = written(tmp_path, document(), "one.yaml")
    follow_up = [{"add_tag": "lead"}, {"assign": {"team": "sales"}}]
    other = written(tmp_path, document(lead_follow_up=follow_up), "two.yaml")
    diff_lines = call("rules", "diff", one, other, code=1).stdout.splitlines()
    at = diff_lines.index("! lead-qualified (lead, lead_qualified, stage routed) has other actions")
    assert diff_lines[at + 1] == "    the same in another order"


def test_rules_diff_prints_only_the_changed_members_of_an_action(tmp_path: Path) -> None:
    one = written(tmp_path, document(), "one.yaml")
    other = written(tmp_path, document(answer_within="PT1H"), "two.yaml")
    diff_lines = call("rules", "diff", one, other, code=1).stdout.splitlines()
    rule = "ask-again (ask, unclear_answer, stage awaiting_answer)"
    at = diff_lines.index(f"! {rule} has other actions")
    assert diff_lines[at + 1 : at + 3] == [
        '    - ask: {"expires_after": "PT3M"}',
        '    + ask: {"expires_after": "PT1H"}',
    ]


def test_rules_diff_prints_added_and_removed_items_of_a_list(tmp_path: Path) -> None:
    one = written(tmp_path, document(entitled_plans=["pro", "premium"]), "one.yaml")
    two = written(tmp_path, document(entitled_plans=["team", "pro"]), "two.yaml")
    turned = written(tmp_path, document(entitled_plans=["premium", "pro", "team"]), "turned.yaml")
    diff_lines = call("rules", "diff", one, two, code=1).stdout.splitlines()
    assert diff_lines[:3] == ["~ setting entitled_plans", '    + "team"', '    - "premium"']
    [plans, *_] = call("rules", "diff", one, turned, code=1).stdout.splitlines()
    assert plans == '~ setting entitled_plans: ["pro", "premium"] -> ["premium", "pro", "team"]'


def test_rules_check_refers_to_the_built_in_rules_when_rules_are_missing(tmp_path: Path) -> None:
    file = written(tmp_path, {"format": 1, "settings": {"enabled": False}})
    complaints = as_json("rules", "check", file, code=1)["complaints"]
    [missing] = [each for each in complaints if each["pointer"] == "/rules"]
    assert missing["code"] == "missing_key"
    assert "for example those of the built-in document" in missing["message"]
