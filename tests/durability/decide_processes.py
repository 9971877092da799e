"""Run `policy-service decide` for each event on standard input, in a process of its own.

Usage: python -m tests.durability.decide_processes FOLDER. An empty line follows the output of each
run. The processes are forks of this one, so that a hundred of them do not take a hundred starts.
"""

from __future__ import annotations

import io
import os
import sys

from policy_service.cli.decide import decide

_LARGEST = 1 << 16
_NO_MORE = 9


def main(data: str) -> None:
    while True:
        child = os.fork()
        if child == 0:
            _decide_one(data)
        _, status = os.waitpid(child, 0)
        if os.waitstatus_to_exitcode(status) == _NO_MORE:
            return
        os.write(1, b"\n")


def _decide_one(data: str) -> None:
    event = os.read(0, _LARGEST)
    if not event:
        os._exit(_NO_MORE)
    sys.stdin = io.TextIOWrapper(io.BytesIO(event))
    try:
        decide([f"--data={data}"])
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
