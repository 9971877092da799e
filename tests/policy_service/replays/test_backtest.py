"""Backtests, compared with deciding one by one and with deciding the whole history again."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from audit.entry import FORMAT, EntryKind
from audit.stores.sqlite.store import SqliteStore
from bench.sample import draw_conversations
from policy_service.decisions.batch import decide_lines
from policy_service.decisions.record import decision_id
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import BUILTIN, PolicyCache, enter_workspace
from policy_service.replays import backtest_parts
from policy_service.replays.backtest_parts import BacktestRequest, list_parts, run_backtest
from policy_service.replays.decision_backtest import BacktestMode, find_changed_facts
from rules.engine.compiler import compile_document
from rules.engine.facts import Conversation, derive_facts
from rules.model.document import Document
from tests.policy_service.api_client import document
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path

    from audit.stores.contract import Transaction
    from policy_service.replays.backtest_result import Tally

LOG = "finance-co"
_SHARED = {
    "occurred_at": "2026-11-22T10:00:00Z",
    "workspace": {"id": LOG, "plan": "premium"},
    "conversation": {"id": "joined", "direction": "inbound"},
    "contact": {"id": "ct-joined", "kind": "lead"},
    "message": {"language": "en"},
}
JOINED = (
    {"id": "joined-1", "type": "conversation.started"},
    {"id": "joined-2", "type": "teammate.joined"},
    {
        "id": "joined-3",
        "type": "question.expired",
        "question": {"id": f"{decision_id(LOG, 'joined-1')}.0"},
    },
)
"""The events: a teammate joins while a question is open, then the question expires."""
EVENTS = [
    *(event for told in islice(draw_conversations(), 60) for event in told),
    *(orjson.dumps({**_SHARED, **event}) for event in JOINED),
]


def with_rule(when: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the built-in document with one more guard before its rules."""
    tree = document()
    guard = {"id": "a-guard-of-ours", "when": when, "outcome": "not_triggered", "reason": "ours"}
    return {**tree, **more, "guards": [{**guard, "stage": "not_routed"}, *tree["guards"]]}


CANDIDATES = {
    "the same": document(),
    "no plan is entitled": document(entitled_plans=["none"]),
    "other phrases": {
        **document(),
        "answers": {"customer": ["thank you so much"], "not_customer": ["ok", "no, not yet"]},
    },
    "a part of the conversations": with_rule(
        {"conversation.stage": "new", "sample.bucket": {"lt": 5000}}
    ),
    "an attribute": with_rule(
        {"attributes.company_size": {"gte": 100}},
        facts={"attributes.company_size": {"type": "integer"}},
    ),
    "a teammate changes nothing": {
        **document(),
        "guards": [
            {
                "id": "joined",
                "when": {"event.type": "teammate.joined"},
                "outcome": "noted",
                "reason": "ours",
            },
            *document()["guards"],
        ],
    },
    "another question": {**document(), "messages": {"en": {"ask": "Do we know you?"}}},
    "another deadline": document(answer_within="PT1H"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("backtest")
    with SqliteStore.create(folder) as store:
        list(decide_lines(store, PolicyCache(), DecisionMetrics(), EVENTS))
    return folder


def tally_of(
    data: Path, tree: dict[str, Any], mode: BacktestMode = BacktestMode.DECISIONS
) -> Tally:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        size = snapshot.head(LOG).size
        those = list(
            list_parts(snapshot, BacktestRequest(LOG, Document(tree).canonical_bytes, size, mode))
        )
    advanced: list[int] = []
    with ThreadPoolExecutor(1) as executor:
        tally = run_backtest(executor, data, those, advanced.append)
    assert sum(advanced) == sum(part.size for part in those)
    return tally


def outcomes(tally: Tally) -> Counter[tuple[str, str, str, str]]:
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for came, count in tally.counts.items():
        counted[came[:4]] += count
    return counted


@pytest.mark.parametrize("tree", CANDIDATES.values(), ids=CANDIDATES.keys())
def test_decision_backtest_equals_deciding_one_by_one(data: Path, tree: dict[str, Any]) -> None:
    policy = compile_document(Document(tree))
    expected: Counter[tuple[str, str, str, str]] = Counter()
    with SqliteStore.open(data) as store, store.read() as snapshot:
        for entry in snapshot.entries_of_family(LOG, "decision"):
            leaf, personal = entry.value, snapshot.personal(LOG, entry.index)
            assert personal
            facts = leaf["facts"]
            before = Conversation(facts["conversation.stage"], facts["conversation.asks"])
            derived = derive_facts(policy.document, orjson.loads(personal.part), before)
            if "question.open" in facts:
                derived["question.open"] = facts["question.open"]
            again = policy.decide(derived)
            expected[leaf["outcome"], again.outcome, leaf["rule"], again.rule] += 1
    assert outcomes(tally_of(data, tree)) == expected


@pytest.mark.parametrize("tree", CANDIDATES.values(), ids=CANDIDATES.keys())
def test_conversation_backtest_equals_deciding_whole_history_again(
    data: Path, tmp_path: Path, tree: dict[str, Any]
) -> None:
    """The reference is a ledger with the candidate as first version and the same events."""

    def begin(tx: Transaction) -> None:
        enter_workspace(tx, LOG)
        head = {"format": FORMAT, "at": "2026-11-22T10:00:00.000Z", "workspace": LOG}
        named = {
            "version": 2,
            "by": "system",
            "digest": tx.add_document(Document(tree).canonical_bytes),
        }
        for kind in (EntryKind.VERSION_PROPOSED, EntryKind.VERSION_ACTIVATED):
            tx.append(LOG, {**head, **named, "kind": kind.value})

    with SqliteStore.create(tmp_path) as other, SqliteStore.open(data) as store:
        other.transact(begin)
        list(decide_lines(other, PolicyCache(), DecisionMetrics(), EVENTS))
        with other.read() as after, store.read() as before:
            expected: Counter[tuple[str, str, str, str]] = Counter()
            changed = set()
            for entry in before.entries_of_family(LOG, "decision"):
                was, found = entry.value, after.decision(LOG, entry.value["event"])
                assert found
                now = found.value
                expected[was["outcome"], now["outcome"], was["rule"], now["rule"]] += 1
                compared = ("outcome", "reason", "rule", "stage", "actions")
                if any(was[name] != now[name] for name in compared):
                    changed.add(was["conversation"])
    tally = tally_of(data, tree, BacktestMode.CONVERSATIONS)
    assert outcomes(tally) == expected
    assert tally.changed.keys() == changed


def test_backtest_result_does_not_depend_on_part_size(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = CANDIDATES["no plan is entitled"]
    for mode in BacktestMode:
        whole = tally_of(data, tree, mode)
        with monkeypatch.context() as patch:
            patch.setattr(backtest_parts, "PART_ENTRIES", 7)
            patch.setattr(backtest_parts, "PART_CONVERSATIONS", 2)
            assert tally_of(data, tree, mode).as_json() == whole.as_json()


def test_erased_decision_is_undetermined_when_event_is_needed(tmp_path: Path) -> None:
    with SqliteStore.create(tmp_path) as store:
        list(decide_lines(store, PolicyCache(), DecisionMetrics(), EVENTS))
        with store.read() as snapshot:
            whose = snapshot.entries_of_family(LOG, "decision")[0]
            part = snapshot.personal(LOG, whose.index)
            assert part
        erased = store.transact(lambda tx: tx.erase(LOG, part.contact))
    for mode in BacktestMode:
        unneeded = tally_of(tmp_path, CANDIDATES["the same"], mode).as_json()
        assert unneeded["undetermined"] == 0
        needed = tally_of(tmp_path, CANDIDATES["an attribute"], mode).as_json()
        assert needed["undetermined_reasons"] == {"erased": len(erased)}
        assert needed["conversations"]["undetermined"] == 1


def test_changed_facts_follow_phrases_attributes_and_settings() -> None:
    assert find_changed_facts(BUILTIN, Document(CANDIDATES["the same"])) == set()
    assert find_changed_facts(BUILTIN, Document(CANDIDATES["other phrases"])) == {"answer"}
    attribute = Document(CANDIDATES["an attribute"])
    assert find_changed_facts(BUILTIN, attribute) == {"attributes.company_size"}
    assert find_changed_facts(BUILTIN, Document(document(detect_language=False))) == {
        "message.language"
    }


# the command


def command(data: Path, file: Path, *more: str, code: int) -> Any:
    options = ("--data", data, "--workspace", LOG, "--candidate", file)
    return as_json("backtest", *options, *more, code=code)


@pytest.mark.parametrize("mode", list(BacktestMode))
def test_command_prints_changes(data: Path, tmp_path: Path, mode: BacktestMode) -> None:
    file = tmp_path / "candidate.yaml"
    file.write_text(yaml.safe_dump(CANDIDATES["no plan is entitled"], sort_keys=False))
    told = command(data, file, "--mode", mode, code=1)
    assert told["changed"] > 0
    assert told["members"]["outcome"] > 0
    turned = [(pair["before"], pair["after"]) for pair in told["outcomes"]]
    assert ("ask", "not_triggered") in turned
    said = call(
        "backtest", "--data", data, "--workspace", LOG, "--candidate", file, "--mode", mode, code=1
    ).stdout
    assert f"{told['decisions']} decisions, {told['identical']} identical" in said
    assert f"  another outcome: {told['members']['outcome']}\n" in said
    assert f"  other actions: {told['members']['actions']}\n" in said


def test_command_succeeds_when_candidate_changes_nothing(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "candidate.json"
    file.write_bytes(orjson.dumps(CANDIDATES["the same"]))
    told = command(data, file, code=0)
    assert told["decisions"] == told["identical"] > 0
    assert as_json("backtest", "--data", data, "--workspace", LOG, "--candidate", "1") == told
    assert command(data, file, "--from", "2999-01-01T00:00:00Z", code=0)["decisions"] == 0
    assert command(data, file, "--to", "2999-01-01T00:00:00Z", code=0) == told


@pytest.mark.parametrize(
    "options",
    [
        ["--workspace", "nowhere", "--candidate", "1"],
        ["--workspace", "NO", "--candidate", "1"],
        ["--workspace", LOG, "--candidate", "7"],
        ["--workspace", LOG, "--candidate", "none.yaml"],
        ["--workspace", LOG, "--candidate", "1", "--mode", "all"],
        ["--workspace", LOG, "--candidate", "1", "--from", "today"],
        ["--workspace", LOG],
    ],
)
def test_command_refuses_wrong_use(data: Path, options: list[str]) -> None:
    call("backtest", "--data", data, *options, code=2)
