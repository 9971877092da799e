"""Send a great many events to a real server, each twice, and print the result.

Usage: python -m tests.soak [REQUESTS]. The exit code is 1 if a promise was broken.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.folders import ROOT
from tests.soak.run import soak

REQUESTS = 200_000
CLIENTS = 64
_FOLDER = ROOT / "build" / "soak"
_SHOWN = 20


def main(requests: str = str(REQUESTS)) -> int:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=_FOLDER) as folder:
        soaked = soak(Path(folder) / "data", int(requests), CLIENTS)
    print(soaked.table())  # noqa: T201 - it is what the command is for
    for complaint in soaked.complaints[:_SHOWN]:
        print(complaint)  # noqa: T201
    return 1 if soaked.complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
