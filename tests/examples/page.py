"""The page of examples: edits of the built-in document, with the output of three commands.

The output is shortened to a few lines each, as the page describes.
"""

from __future__ import annotations

import os
from contextlib import chdir
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from click.testing import CliRunner

from policy_service.cli import main
from rules.model import builtin
from tests.examples.edits import FOLDER, document, edits, read_edit
from tests.examples.sample import CONVERSATIONS, WORKSPACE, shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PAGE = FOLDER / "README.md"
RULES = 6
"""Number of pairs of rules that the page shows for a backtest."""
HEAD = f"""\
# Twenty edits of the built-in document

```sh
python -m tests.examples 03 > new.yaml      # the whole document that edit 03 makes
gunzip -c docs/examples/conversations.ndjson.gz | policy-service decide --data trial > decided
policy-service backtest --data trial --workspace {WORKSPACE} --candidate new.yaml \\
  --mode conversations
```

These are the edits that admins make most. Each section shows the output of three commands for the
edited document: `rules diff`, `rules check` and `backtest` on {CONVERSATIONS} conversations.

An edit lists only what it changes:

- `settings`, `facts` and `messages` override the built-in ones.
- Phrases, properties and tests are added.
- A guard or rule with a known id is changed; a new one is inserted `before` another.

The service takes whole documents, so an edit alone is not one. A document may leave out settings,
phrases and messages that are as built in, but it must contain its rules.

The conversations are invented: `tests/examples/sample.py` draws them from a seed.

The output is shortened:

- The one finding of the built-in document (`otherwise_decides`) is left out.
- So are the facts and the example conversation of each group of changes, and the ids of changed
  conversations.
- Of the pairs of rules, the {RULES} most frequent are shown.

Line numbers refer to the whole document. `python -m tests.examples` writes this page, and a test
compares it with the commands.
"""


@dataclass(frozen=True)
class Section:
    """The row of the table and the section of one edit."""

    row: str
    text: str


def page() -> str:
    """Return the text of the whole page."""
    sections = [section(file) for file in edits()]
    table = "\n".join(each.row for each in sections)
    head = "| edit | why | decisions that change | conversations |\n|---|---|---|---|"
    return f"{HEAD}\n{head}\n{table}\n\n" + "\n".join(each.text for each in sections)


def section(file: Path) -> Section:
    """Return the section of an edit: the output of the commands for its whole document."""
    edit = read_edit(file)
    with TemporaryDirectory() as folder, chdir(folder):
        Path("builtin.yaml").write_text(builtin.load_text(), encoding="utf-8")
        Path(file.name).write_text(document(edit), encoding="utf-8")
        commands = {
            f"rules diff builtin.yaml {file.name}": _shortened,
            f"rules check {file.name}": _new_findings,
            f"backtest --workspace {WORKSPACE} --candidate {file.name} --mode conversations": (
                _counted
            ),
        }
        blocks = [
            [f"$ policy-service {words}", *cut(_run(words))] for words, cut in commands.items()
        ]
    console = "\n\n".join("\n".join(block) for block in blocks)
    changed = next(line for line in blocks[-1] if " changed, " in line)
    decisions = changed.split(" identical, ")[1].split(" changed")[0]
    conversations = blocks[-1][-1].rpartition(" ")[2]
    row = f"| [{file.stem}]({file.name}) | {edit['why']} | {decisions} | {conversations} |"
    return Section(row, f"## {file.stem}\n\n{edit['why']}\n\n```console\n{console}\n```\n")


def _run(words: str) -> list[str]:
    """Return the lines that a command prints; a backtest reads the ledger of the sample."""
    more = ["--data", str(ledger())] if words.startswith("backtest") else []
    return CliRunner().invoke(main, [*words.split(), *more]).stdout.splitlines()


@cache
def ledger() -> Path:
    """Return a ledger with the sample decided by the built-in document; deleted at exit."""
    folder = TemporaryDirectory(prefix="examples-")
    _FOLDERS.append(folder)
    data = Path(folder.name) / "data"
    done = CliRunner().invoke(main, ["decide", "--data", os.fspath(data)], input=shipped())
    if done.exit_code:
        raise ValueError(done.output)
    return data


_FOLDERS: list[TemporaryDirectory[str]] = []


_OF_A_GROUP = ("    where ", "    as for ", "    {")


def _shortened(lines: Iterable[str]) -> Iterator[str]:
    """Yield each group once, without its facts, its example and its conversation."""
    shown = (line for line in lines if not line.startswith(_OF_A_GROUP))
    return (line for group in dict.fromkeys(_groups(shown)) for line in group)


def _new_findings(lines: Iterable[str]) -> Iterator[str]:
    """Yield the findings that the built-in document does not have."""
    groups = _groups(lines)
    return (line for group in groups if "(otherwise_decides)" not in group[0] for line in group)


def _groups(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """Return each line with the indented lines after it."""
    groups: list[list[str]] = []
    for line in lines:
        if line.startswith("    "):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [tuple(group) for group in groups]


def _counted(lines: Iterable[str]) -> Iterator[str]:
    """Yield the counts, with the most frequent pairs of rules."""
    shown = [line for line in lines if not line.startswith("    ")]
    rules = [line for line in shown if line.startswith("  rule ")]
    for line in shown:
        if line not in rules[RULES:]:
            yield line
        elif line == rules[RULES]:
            yield "  …"
