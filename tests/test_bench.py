"""Every benchmark runs, on very little, and gives rows that can be read; figures are no tests."""

from __future__ import annotations

from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING

import orjson
import pytest

from bench.__main__ import BENCHES
from bench.harness import Bar, Bench, Row, table, turns
from bench.sample import drawn, of_file
from rules.formats.strict_json import parse_json
from rules.model.event import parse_event

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", BENCHES)
def test_a_benchmark_runs(name: str, tmp_path: Path) -> None:
    if name == "decide" and find_spec("zen") is None:
        pytest.skip("zen-engine is not installed; `make bench` installs it")
    rows = list(BENCHES[name](Bench(tmp_path, drawn(), rounds=1, scale=0.001)))
    assert any(row.bar for row in rows)
    assert all(row.what in table(rows) for row in rows)


def test_the_events_drawn_are_events_and_the_same_for_the_same_seed() -> None:
    some, again = (list(islice(drawn(seed=1), 50)) for _ in range(2))
    assert some == again
    told = [parse_event(parse_json(event, null_is_absent=True)) for each in some for event in each]
    assert len({event["id"] for event in told}) == len(told)


def test_a_file_of_events_is_told_again_with_new_ids(tmp_path: Path) -> None:
    file = tmp_path / "events.ndjson"
    conversation = next(drawn())
    file.write_bytes(b"\n".join(conversation))
    first, second = islice(of_file(file), 2)
    kinds = [orjson.loads(event)["type"] for event in conversation]
    assert [orjson.loads(event)["type"] for event in first] == kinds
    ids = [orjson.loads(event)["id"] for event in (*first, *second)]
    assert len(set(ids)) == 2 * len(conversation)


def test_a_figure_is_the_median_of_the_rounds_after_the_first() -> None:
    figures = iter([100.0, 2.0, 8.0, 4.0])
    assert turns(lambda: next(figures), lambda: 2.0, rounds=3).ratio == 2.0


@pytest.mark.parametrize(("figure", "verdict"), [(3.0, "beyond"), (4.0, "reached"), (5.1, "SHORT")])
def test_a_verdict_says_how_far_a_figure_goes(figure: float, verdict: str) -> None:
    row = Row("time", figure, " s", Bar(5, 3, least=False))
    assert row.cells()[-1] == verdict
