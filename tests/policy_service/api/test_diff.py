"""What one version says otherwise than another, over HTTP and at the command line."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.access.keys import Role
from rules.model import builtin
from rules.model.vocabulary import Stage
from tests.policy_service.api_client import ACME, document, read
from tests.policy_service.cli.test_rules import written
from tests.policy_service.command_line import as_json, call
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Api

WRITTEN: dict[str, Any] = {
    "settings": [],
    "rules": [],
    "moved_rules": [],
    "texts": [],
    "facts": [],
    "properties": [],
}
NOTHING: dict[str, Any] = {**WRITTEN, "semantic_changes": [], "semantic_changes_complete": True}
UNUSED = {"recorded": {"decisions": 0, "complete": True}}


def changed() -> dict[str, Any]:
    """The built-in document with one thing changed of every sort."""
    tree = copy.deepcopy(document("Other", ask_again=3))
    tree["rules"][0]["reason"] = "elsewhere"
    tree["rules"].append(tree["rules"].pop(2))
    tree["facts"] = {"attributes.size": {"type": "integer"}}
    tree["properties"] = [
        {"id": "decided", "for_all": {}, "stage_in": [stage.value for stage in Stage]}
    ]
    return {**tree, "tests": []}


def test_diff_compares_with_active_version_by_default(api: Api) -> None:
    title = builtin.load_tree()["title"]
    api.propose(document("Two", ask_again=3))
    told = read(api.get(f"{ACME}/versions/2/diff"))
    [meant] = told.pop("semantic_changes")
    assert (meant["before"]["rule"], meant["after"]["rule"]) == ("no-clear-answer", "ask-again")
    assert meant["fact_values"]["conversation.asks"] == ["2 to 3"]
    assert told == {
        "version": 2,
        "against": 1,
        **WRITTEN,
        "semantic_changes_complete": True,
        **UNUSED,
        "settings": [{"name": "ask_again", "before": 1, "after": 3}],
        "texts": [{"name": "title", "before": title, "after": "Two"}],
    }


def test_conversation_of_semantic_change_gets_earlier_decision(api: Api) -> None:
    api.propose(document("Two", ask_again=3), "example")
    [meant] = read(api.get("/v1/workspaces/example/versions/2/diff"))["semantic_changes"]
    last = [api.decide(event) for event in meant["conversation"]][-1]
    names = ("rule", "outcome", "reason", "stage")
    assert [last[name] for name in names] == [meant["before"][name] for name in names]


def test_diff_compares_with_any_version(api: Api) -> None:
    api.publish(document("Two"))
    api.propose(document("Three"))
    there = read(api.get(f"{ACME}/versions/3/diff?against=1"))["texts"]
    back = read(api.get(f"{ACME}/versions/1/diff?against=3"))["texts"]
    assert [(each["before"], each["after"]) for each in there] == [
        (each["after"], each["before"]) for each in back
    ]
    assert read(api.get(f"{ACME}/versions/3/diff"))["against"] == 2


def test_diff_is_empty_for_same_version(shared: Api) -> None:
    """Not even that of a workspace which nothing was written to."""
    expected = {"version": 1, "against": 1, **NOTHING, **UNUSED}
    for role in Role:
        assert read(shared.get(f"{ACME}/versions/1/diff", role)) == expected


def test_diff_is_not_found_for_unknown_version(shared: Api) -> None:
    for path in ("9/diff", "1/diff?against=9", "9/diff?against=1", "1/diff?against=0"):
        assert code(shared.get(f"{ACME}/versions/{path}")) == (404, "not_found")


@pytest.mark.parametrize("against", ["", "one", "-1", "1.0"])
def test_diff_is_refused_when_against_is_not_a_number(shared: Api, against: str) -> None:
    refused = shared.get(f"{ACME}/versions/1/diff?against={against}")
    assert errors(refused) == [("/against", "not_allowed")]


def test_rules_diff_prints_lines(tmp_path: Path) -> None:
    before = written(tmp_path, builtin.load_tree(), "before.yaml")
    after = written(tmp_path, changed(), "after.json")
    first, third = builtin.load_tree()["rules"][0], builtin.load_tree()["rules"][2]
    told = call("rules", "diff", before, after, code=1).stdout.splitlines()
    assert "    where conversation.asks is 2 to 3" in told
    sent = [json.loads(line) for line in told if line.startswith("    {")]
    assert {event["type"] for event in sent} >= {"conversation.started", "contact.replied"}
    assert any(line.startswith(f"! {first['id']} (noted") for line in told)
    assert told[:6] == [
        "~ setting ask_again: 1 -> 3",
        f"~ rule {first['id']}",
        f'    reason: "{first["reason"]}" -> "elsewhere"',
        f"~ rule {third['id']} stands elsewhere",
        f'~ text title: "{builtin.load_tree()["title"]}" -> "Other"',
        '+ fact attributes.size: {"type": "integer"}',
    ]


def test_rules_diff_prints_json(tmp_path: Path) -> None:
    before = written(tmp_path, builtin.load_tree(), "before.yaml")
    after = written(tmp_path, changed(), "after.yaml")
    told = as_json("rules", "diff", before, after, code=1)
    assert list(told) == list(NOTHING)
    assert all(told.values())
    assert as_json("rules", "diff", after, after) == NOTHING


def test_rules_diff_is_empty_for_equal_files(tmp_path: Path) -> None:
    file = written(tmp_path, builtin.load_tree())
    same = written(tmp_path, dict(sorted(builtin.load_tree().items(), reverse=True)), "same.json")
    assert call("rules", "diff", file, same).stdout == "No difference.\n"


def test_rules_diff_escapes_control_characters(tmp_path: Path) -> None:
    file = written(tmp_path, builtin.load_tree(), "before.json")
    escaping = written(tmp_path, {**builtin.load_tree(), "title": "\x9b31m red"}, "after.json")
    said = call("rules", "diff", file, escaping, code=1).stdout
    assert "\x9b" not in said
    assert "\\x9b31m red" in said


def test_rules_diff_fails_when_file_is_not_a_document(tmp_path: Path) -> None:
    good = written(tmp_path, builtin.load_tree(), "good.json")
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({**builtin.load_tree(), "colour": "red"}), encoding="utf-8")
    assert "refused" in call("rules", "diff", good, bad, code=1).stdout
    call("rules", "diff", good, tmp_path / "nothing.yaml", code=2)
    call("rules", "diff", good, code=2)
