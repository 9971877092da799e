"""Every benchmark runs on few events and gives readable rows. Figures are not tested."""

from __future__ import annotations

import gc
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

import orjson
import pytest

from bench.__main__ import BENCHES
from bench.harness import Bar, Bench, Row, render_table, take_turns
from bench.sample import draw_conversations, read_sample
from rules.formats.strict_json import parse_json
from rules.model.event import parse_event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module", autouse=True)
def frozen_objects() -> None:
    """Freeze what other tests left: a benchmark collects garbage before each measurement."""
    gc.collect()
    gc.freeze()


@pytest.mark.parametrize("name", BENCHES)
def test_benchmark_runs(name: str, tmp_path: Path) -> None:
    if name == "decide" and find_spec("zen") is None:
        pytest.skip("zen-engine is not installed; `make bench` installs it")
    rows = list(BENCHES[name](Bench(tmp_path, draw_conversations(), rounds=1, scale=0.001)))
    assert any(row.bar for row in rows)
    assert all(row.name in render_table(rows) for row in rows)


def test_drawn_events_are_valid_and_equal_for_the_same_seed() -> None:
    some, again = (list(islice(draw_conversations(seed=1), 50)) for _ in range(2))
    assert some == again
    parsed = [
        parse_event(parse_json(event, null_is_absent=True)) for each in some for event in each
    ]
    assert len({event["id"] for event in parsed}) == len(parsed)


def test_conversations_of_a_file_repeat_with_new_ids(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    conversation = next(draw_conversations())
    file.write_bytes(b"\n".join(conversation))
    first, second = islice(read_sample(file), 2)
    kinds = [orjson.loads(event)["type"] for event in conversation]
    assert [orjson.loads(event)["type"] for event in first] == kinds
    ids = [orjson.loads(event)["id"] for event in (*first, *second)]
    assert len(set(ids)) == 2 * len(conversation)


def test_figure_is_the_median_of_the_rounds_after_the_first() -> None:
    figures = iter([100.0, 2.0, 8.0, 4.0])
    assert take_turns(lambda: next(figures), lambda: 2.0, rounds=3).ratio == 2.0


@pytest.mark.parametrize(("figure", "verdict"), [(3.0, "beyond"), (4.0, "reached"), (5.1, "SHORT")])
def test_verdict_compares_a_figure_with_bar_and_goal(figure: float, verdict: str) -> None:
    row = Row("time", figure, " s", Bar(5, 3, least=False))
    assert row.cells()[-1] == verdict
