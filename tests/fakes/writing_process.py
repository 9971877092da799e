"""A process that decides events until it is done or killed, saying which are acknowledged.

Arguments: the data directory, a name for its events, threads, events per thread.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from audit.errors import AlreadyDecidedError
from audit.stores.sqlite.store import SqliteStore
from tests.fakes.leaves import decide


def main(data: str, name: str, threads: str, count: str) -> None:
    store = SqliteStore.open(Path(data))

    def run(thread: int) -> None:
        for number in range(int(count)):
            event = f"{name}-{thread}-{number}"
            try:
                store.transact(decide(event, conversation=event))
            except AlreadyDecidedError:
                continue
            sys.stdout.write(f"{event}\n")  # in one piece, since threads share it
            sys.stdout.flush()

    with ThreadPoolExecutor(int(threads)) as pool:
        list(pool.map(run, range(int(threads))))
    store.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
