"""Run the benchmarks that are named, or all of them, and print their table.

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
from bench.harness import Bench, is_on_disk, table
from bench.sample import drawn, of_file

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
"""In the order of the table."""

_FOLDER = Path(__file__).parents[1] / "build" / "bench"


def main() -> None:
    options = _options()
    options.folder.mkdir(parents=True, exist_ok=True)
    if not is_on_disk(options.folder):
        sys.exit(f"{options.folder} is in memory; name a --folder on a disk")
    rows: list[Row] = []
    for name in options.rows or BENCHES:
        start = time.monotonic()
        with TemporaryDirectory(dir=options.folder) as folder:
            conversations = of_file(options.sample) if options.sample else drawn()
            rows += BENCHES[name](Bench(Path(folder), conversations))
        print(f"{name}: {time.monotonic() - start:.0f} s", file=sys.stderr)  # noqa: T201 - a command
    print(table(rows))  # noqa: T201 - it is what the command is for


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(BENCHES)}")
    parser.add_argument("--sample", type=Path, metavar="FILE", help="events to send, as NDJSON")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where ledgers are made")
    options = parser.parse_args()
    unknown = [row for row in options.rows if row not in BENCHES]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; there are {', '.join(BENCHES)}")
    return options


if __name__ == "__main__":
    main()
