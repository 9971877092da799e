"""Reports on documents over all facts, over HTTP and at the command line."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import fromstring

from policy_service.access.keys import Role
from policy_service.policies import reports
from rules.analysis.reachability import MAX_STEPS
from rules.formats.document_text import read_yaml
from rules.model import builtin
from rules.model.document import Document
from tests.policy_service.api_client import ACME, document, read
from tests.policy_service.cli.test_rules import with_test, written
from tests.policy_service.command_line import as_json, call
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.policy_service.api_client import Api

HIDDEN = {
    "id": "hidden",
    "when": {"conversation.stage": "routed", "contact.kind": "user"},
    "outcome": "noted",
    "reason": "hidden",
}
STATED = {"id": "routed-stays", "for_all": {"conversation.stage": "routed"}}


def changed() -> dict[str, Any]:
    """The built-in document with a rule that is never reached and a property that holds."""
    tree = copy.deepcopy(document())
    tree["rules"].append(HIDDEN)
    return {**tree, "properties": [{**STATED, "stage_in": ["routed"]}]}


def test_every_role_gets_report_on_version(api: Api) -> None:
    api.propose(changed())
    for role in Role:
        told = read(api.get(f"{ACME}/versions/2/report", role))
        assert told["version"] == 2
        assert told["properties"] == ["routed-stays"]
        assert (told["coverage"]["untested"], told["coverage"]["unreachable"]) == (
            ["hidden"],
            ["hidden"],
        )
        [hidden] = [each for each in told["findings"] if each["code"] == "rule_unreachable"]
        assert hidden["pointer"] == f"/rules/{len(changed()['rules']) - 1}"
        assert hidden["example"]["decision"]["rule"] == "already-routed"


def test_example_conversations_of_findings_are_decided_as_reported(api: Api) -> None:
    tree = changed()
    tree["settings"]["languages"] = ["en", "fr"]
    api.publish(tree, "example")
    findings = read(api.get("/v1/workspaces/example/versions/2/report"))["findings"]
    assert len({each["code"] for each in findings}) == 3
    for finding in findings:
        expected = finding["example"]["decision"]
        decisions = [api.decide(event) for event in finding["example"]["conversation"]]
        names = ("outcome", "reason", "rule", "stage")
        assert [decisions[-1][name] for name in names] == [expected[name] for name in names]
        assert [action["type"] for action in decisions[-1]["actions"]] == expected["actions"]


def test_check_prints_events_of_finding_as_json(tmp_path: Path) -> None:
    said = call("rules", "check", written(tmp_path, changed())).stdout
    told = said.partition("(rule_unreachable)\n")[2].partition("finding:")[0]
    sent = [line for line in told.splitlines() if line.startswith("    {")]
    decided = call("decide", "--data", tmp_path / "data", given="\n".join(sent).encode()).stdout
    assert '"rule":"already-routed"' in decided.splitlines()[-1]


def test_report_lists_undecided_codes_when_search_is_cut(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line has no such limit."""
    tree = {**changed(), "title": "Too much at once"}
    monkeypatch.setattr(reports, "MAX_WORK", 100)
    api.propose(tree)
    assert "rule_unreachable" in read(api.get(f"{ACME}/versions/2/report"))["undecided"]
    diff = read(api.get(f"{ACME}/versions/1/diff?against=2"))
    assert diff["semantic_changes_complete"] is False
    assert as_json("rules", "check", written(tmp_path, tree))["undecided"] == []


def test_step_limit_shrinks_with_number_of_rules() -> None:
    """Each step of the search evaluates all rules."""
    few, many = Document(builtin.load_tree()), Document(rules_without_end(1_000))
    assert reports.max_steps_for(few) == MAX_STEPS
    assert reports.max_steps_for(many) == reports.MAX_WORK // 1_001


def rules_without_end(count: int) -> dict[str, Any]:
    rule = {"when": {"workspace.plan": "pro"}, "outcome": "noted", "reason": "noted"}
    rules = [{"id": f"r-{number}", **rule} for number in range(count)]
    return {"format": 1, "rules": rules, "otherwise": {"outcome": "noted", "reason": "none"}}


def test_report_on_unknown_version_is_not_found(shared: Api) -> None:
    assert code(shared.get(f"{ACME}/versions/9/report")) == (404, "not_found")


def test_broken_property_refuses_document_with_example(api: Api) -> None:
    tree = {**changed(), "properties": [{**STATED, "outcome_in": ["ask"]}]}
    refused = api.post(f"{ACME}/versions", {"document": tree}, Role.AUTHOR)
    assert code(refused) == (422, "invalid_document")
    assert refused.json
    [error] = refused.json["errors"]
    assert (error["pointer"], error["code"]) == ("/properties/0", "property_broken")
    assert "conversation.stage: routed -> outcome noted, rule teammate-joined" in error["message"]


def test_findings_do_not_refuse_document(tmp_path: Path) -> None:
    file = written(tmp_path, changed())
    said = call("rules", "check", file).stdout
    assert "finding: /rules/" in said
    assert "(rule_unreachable)" in said
    assert "proved: routed-stays" in said
    told = as_json("rules", "check", file)
    assert {"rule_unreachable", "otherwise_decides"} <= {e["code"] for e in told["findings"]}


def test_coverage_suggests_tests_for_untested_rules(tmp_path: Path) -> None:
    tree = {**builtin.load_tree(), "tests": builtin.load_tree()["tests"][:5]}
    file = written(tmp_path, tree)
    told = as_json("rules", "test", file, "--coverage")["coverage"]
    assert read_yaml(told["yaml"]).value == told["suggested_tests"]
    whole = written(
        tmp_path, {**tree, "tests": [*tree["tests"], *told["suggested_tests"]]}, "whole.yaml"
    )
    assert as_json("rules", "test", whole, "--coverage")["coverage"]["untested"] == []
    said = call("rules", "test", file, "--coverage").stdout
    assert "rules are decided by a test" in said
    assert told["yaml"].splitlines()[0] in said


def test_results_are_written_as_junit_xml(tmp_path: Path) -> None:
    file, results = written(tmp_path, with_test(reason="wrong")), tmp_path / "results.xml"
    call("rules", "test", file, "--junit", results, code=1)
    suite = fromstring(results.read_text(encoding="utf-8"))  # noqa: S314 - we wrote it
    cases = suite.findall("testcase")
    assert (suite.get("tests"), suite.get("failures")) == (str(len(cases)), "1")
    [failed] = [case for case in cases if case.find("failure") is not None]
    assert failed.get("name") == "One more"
