"""Run the named benchmarks, or all of them, and print their table.

Usage: python -m bench [ROW…] [--sample FILE] [--folder FOLDER]
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench import (
    bench_backtest,
    bench_batch,
    bench_decide,
    bench_disk,
    bench_evidence,
    bench_explain,
    bench_http,
    bench_memory,
    bench_replay,
    bench_rules,
    bench_verify,
)
from bench.harness import Bench, is_on_disk, render_table
from bench.sample import draw_conversations, read_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bench.harness import Row

BENCHES: Mapping[str, Callable[[Bench], Iterable[Row]]] = {
    "decide": bench_decide.run,
    "http": bench_http.run,
    "evidence": bench_evidence.run,
    "batch": bench_batch.run,
    "replay": bench_replay.run,
    "backtest": bench_backtest.run,
    "verify": bench_verify.run,
    "disk": bench_disk.run,
    "memory": bench_memory.run,
    "explain": bench_explain.run,
    "rules": bench_rules.run,
}
"""The benchmarks by the name of their row, in the order of the table."""

_FOLDER = Path(__file__).parents[1] / "build" / "bench"


def main() -> None:
    """Run the benchmarks of the command line."""
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not is_on_disk(options.folder):
        sys.exit(f"{options.folder} is a file system in memory; choose a --folder on a disk")
    rows: list[Row] = []
    for name in options.rows or BENCHES:
        start = time.monotonic()
        with TemporaryDirectory(dir=options.folder) as folder:
            conversations = read_sample(options.sample) if options.sample else draw_conversations()
            rows += BENCHES[name](Bench(Path(folder), conversations))
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)  # noqa: T201 - a command
    print(render_table(rows))  # noqa: T201 - the purpose of the command


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of {', '.join(BENCHES)}")
    parser.add_argument("--sample", type=Path, metavar="FILE", help="events to send, as NDJSON")
    parser.add_argument(
        "--folder", type=Path, default=_FOLDER, help="folder in which ledgers are created"
    )
    options = parser.parse_args()
    unknown = [row for row in options.rows if row not in BENCHES]
    if unknown:
        parser.error(f"unknown row {unknown[0]}; choose from {', '.join(BENCHES)}")
    return options


if __name__ == "__main__":
    main()
