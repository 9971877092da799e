"""The page of examples: what the commands say of each edit, in the words that they print.

Shortened to a few lines for each, in ways that the page says.
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
"""Pairs of rules that are shown of a backtest."""
HEAD = f"""\
# Twenty edits of the built-in document

What admins change most, each as an edit, with what the commands say of it: what is written and
decided otherwise, whether the document is good, and what it would have made of {CONVERSATIONS}
conversations.

An edit says only what it changes: `settings`, `facts` and `messages` stand over the built-in ones;
phrases, properties and tests are added; a guard or a rule is changed by its id, a new one stands
`before` another. That is no document yet, and the service takes whole ones:
`python -m tests.examples 03` prints the one that an edit makes. Of settings, phrases and messages a
document may leave out what is as built in; its rules it must hold.

The conversations are invented, drawn from a seed by `tests/examples/sample.py`. This tries a
document of your own on them:

```sh
gunzip -c docs/examples/conversations.ndjson.gz | policy-service decide --data trial > decided
policy-service backtest --data trial --workspace {WORKSPACE} --candidate new.yaml \\
  --mode conversations
```

Below, what is said of the built-in document too is left out, which is one finding
(`otherwise_decides`). So are the facts and the conversation of each group that is decided
otherwise, the ids of conversations that change, and all pairs of rules but the {RULES} most
frequent. Lines count in the whole document. `python -m tests.examples` writes this page; a test
holds it true.
"""


@dataclass(frozen=True)
class Section:
    """What is said of one edit."""

    row: str
    text: str


def page() -> str:
    sections = [section(file) for file in edits()]
    table = "\n".join(each.row for each in sections)
    head = "| edit | why | decisions that change | conversations |\n|---|---|---|---|"
    return f"{HEAD}\n{head}\n{table}\n\n" + "\n".join(each.text for each in sections)


def section(file: Path) -> Section:
    """What the commands say of the edit, run on the whole document."""
    edit = read_edit(file)
    with TemporaryDirectory() as folder, chdir(folder):
        Path("builtin.yaml").write_text(builtin.load_text(), encoding="utf-8")
        Path(file.name).write_text(document(edit), encoding="utf-8")
        told = {
            f"rules diff builtin.yaml {file.name}": _shortened,
            f"rules check {file.name}": _new_findings,
            f"backtest --workspace {WORKSPACE} --candidate {file.name} --mode conversations": (
                _counted
            ),
        }
        blocks = [[f"$ policy-service {words}", *cut(_run(words))] for words, cut in told.items()]
    console = "\n\n".join("\n".join(block) for block in blocks)
    changed = next(line for line in blocks[-1] if " changed, " in line)
    decisions = changed.split(" identical, ")[1].split(" changed")[0]
    conversations = blocks[-1][-1].rpartition(" ")[2]
    row = f"| [{file.stem}]({file.name}) | {edit['why']} | {decisions} | {conversations} |"
    return Section(row, f"## {file.stem}\n\n{edit['why']}\n\n```console\n{console}\n```\n")


def _run(words: str) -> list[str]:
    """The lines that a command prints; it takes the ledger of the sample from the environment."""
    more = ["--data", str(ledger())] if words.startswith("backtest") else []
    return CliRunner().invoke(main, [*words.split(), *more]).stdout.splitlines()


@cache
def ledger() -> Path:
    """A ledger in which the built-in document decided the sample; it goes with the process."""
    folder = TemporaryDirectory(prefix="examples-")
    _KEPT.append(folder)
    data = Path(folder.name) / "data"
    done = CliRunner().invoke(main, ["decide", "--data", os.fspath(data)], input=shipped())
    if done.exit_code:
        raise ValueError(done.output)
    return data


_KEPT: list[TemporaryDirectory[str]] = []


_OF_A_GROUP = ("    where ", "    as for ", "    {")


def _shortened(lines: Iterable[str]) -> Iterator[str]:
    """Each group once, without its facts, its example and its conversation."""
    told = (line for line in lines if not line.startswith(_OF_A_GROUP))
    return (line for group in dict.fromkeys(_groups(told)) for line in group)


def _new_findings(lines: Iterable[str]) -> Iterator[str]:
    """What is not said of the built-in document too."""
    groups = _groups(lines)
    return (line for group in groups if "(otherwise_decides)" not in group[0] for line in group)


def _groups(lines: Iterable[str]) -> list[tuple[str, ...]]:
    """Each line with those behind it that are indented."""
    groups: list[list[str]] = []
    for line in lines:
        if line.startswith("    "):
            groups[-1].append(line)
        else:
            groups.append([line])
    return [tuple(group) for group in groups]


def _counted(lines: Iterable[str]) -> Iterator[str]:
    """The counts, of pairs of rules the most frequent."""
    told = [line for line in lines if not line.startswith("    ")]
    rules = [line for line in told if line.startswith("  rule ")]
    for line in told:
        if line not in rules[RULES:]:
            yield line
        elif line == rules[RULES]:
            yield "  …"
