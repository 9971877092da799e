"""Counts of recorded decisions per region, compared with counting one by one."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

from audit.stores.sqlite.store import SqliteStore
from bench.sample import draw_conversations
from policy_service.decisions.batch import decide_lines
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies import region_counts
from policy_service.policies.policy_cache import PolicyCache
from rules.engine.compiler import compile_document
from rules.model import builtin
from rules.model.document import Document
from tests.policy_service.api_client import ACME, document, event, read, reply
from tests.policy_service.cli.test_rules import written
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Api

LOG = "finance-co"
EVENTS = [happened for told in islice(draw_conversations(), 60) for happened in told]
WITHOUT_CLOSING = {
    **builtin.load_tree(),
    "tests": [],
    "rules": [each for each in builtin.load_tree()["rules"] if "closed" not in each["id"]],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded")
    with SqliteStore.create(folder) as store:
        list(decide_lines(store, PolicyCache(), DecisionMetrics(), EVENTS))
    return folder


def recorded_facts(data: Path) -> list[dict[str, Any]]:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return [entry.value["facts"] for entry in snapshot.entries_of_family(LOG, "decision")]


def test_groups_of_diff_contain_changed_decisions(data: Path, tmp_path: Path) -> None:
    trees = builtin.load_tree(), document("Other", entitled_plans=["none"], ask_again=0)
    files = [written(tmp_path, tree, f"{n}.yaml") for n, tree in enumerate(trees)]
    told = as_json("rules", "diff", *files, "--data", data, "--workspace", LOG, code=1)
    facts = recorded_facts(data)
    assert told["recorded"] == {"decisions": len(facts), "complete": True}
    policies = [compile_document(Document(tree)) for tree in trees]
    moved: Counter[tuple[str, ...]] = Counter()
    for known in facts:
        names = tuple(policy.decide(known).rule for policy in policies)
        moved[names] += names[0] != names[1]
    counted: Counter[tuple[str, ...]] = Counter()
    for group in told["semantic_changes"]:
        counted[group["before"]["rule"], group["after"]["rule"]] += group["decisions"]
    assert +counted == +moved
    assert len(+counted) > 1


def test_diff_counts_changed_decisions(data: Path, tmp_path: Path) -> None:
    file = written(tmp_path, WITHOUT_CLOSING)
    told = as_json("rules", "check", file, "--data", data, "--workspace", LOG)["findings"]
    policy = compile_document(Document(WITHOUT_CLOSING))
    left = Counter(
        known["event.type"]
        for known in recorded_facts(data)
        if policy.decide(known).rule == "otherwise"
    )
    assert left["conversation.closed"]
    uncovered = [each for each in told if each["code"] == "otherwise_decides"]
    assert {each["message"].split()[3]: each["decisions"] for each in uncovered} == {
        kind: left[kind] for kind in ("qualification.completed", "conversation.closed")
    }


def test_diff_prints_counts_as_text(data: Path, tmp_path: Path) -> None:
    before = written(tmp_path, builtin.load_tree(), "before.yaml")
    after = written(tmp_path, WITHOUT_CLOSING, "after.yaml")
    history = ("--data", data, "--workspace", LOG)
    looked_at = f"of {len(recorded_facts(data))} recorded decisions fall there"
    assert looked_at in call("rules", "diff", before, after, *history, code=1).stdout
    assert looked_at in call("rules", "check", after, *history).stdout
    assert "fall there" not in call("rules", "check", after).stdout
    unknown = ("--data", data, "--workspace", "nobody")
    assert "no log" in call("rules", "check", after, *unknown, code=2).stderr


def test_report_counts_recorded_decisions(api: Api) -> None:
    api.decide(event("ev-1"))
    api.decide(reply("ev-2", "customer"))
    done = event("ev-3", type="qualification.completed", conversation={"id": "c-2"}, message=None)
    api.decide(event("ev-0", conversation={"id": "c-2"}))
    api.decide(done)
    [finding] = read(api.get(f"{ACME}/versions/1/report"))["findings"]
    assert (finding["code"], finding["decisions"]) == ("otherwise_decides", 1)
    api.propose(document("Two", languages=["de"]))
    told = read(api.get(f"{ACME}/versions/2/diff"))
    assert told["recorded"] == {"decisions": 4, "complete": True}
    assert sum(group["decisions"] for group in told["semantic_changes"]) == 2


def test_api_counts_newest_entries(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(region_counts, "MAX_ENTRIES", 1)
    api.decide(event("ev-1"))
    api.decide(event("ev-2", conversation={"id": "c-2", "direction": "outbound"}))
    api.propose(document("Two", languages=["de"]))
    api.decide(event("ev-3", conversation={"id": "c-3"}))
    told = read(api.get(f"{ACME}/versions/2/diff"))
    assert told["recorded"] == {"decisions": 1, "complete": False}
    assert [group["decisions"] for group in told["semantic_changes"]].count(1) == 1
