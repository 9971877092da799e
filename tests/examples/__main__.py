"""Write the page of examples, or print the whole document of one.

Usage: python -m tests.examples [NUMBER | sample]
"""

from __future__ import annotations

import sys

from tests.examples.edits import document, edits, read_edit
from tests.examples.page import PAGE, page
from tests.examples.sample import ship


def main(what: str = "") -> None:
    if what == "sample":
        ship()
    elif what:
        [file] = [file for file in edits() if file.name.startswith(f"{what}-")]
        print(document(read_edit(file)), end="")  # noqa: T201 - it is what the command is for
    else:
        PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
