"""Laws of the pages: links resolve, named files exist, lists and numbers equal the code's."""

from __future__ import annotations

import re
import shlex
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING

import click
import pytest

from audit.entry import EntryKind
from audit.log.entries import CONTENT_BY_KIND
from audit.stores.sqlite.schema import APPLICATION_ID, FORMAT
from bench.__main__ import BENCHES
from policy_service.access.keys import Role
from policy_service.access.permissions import ROLES
from policy_service.cli import main
from policy_service.policies.policy_cache import BUILTIN_VERSION, first_leaves
from tests.folders import ROOT
from tests.policy_service.command_line import commands

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
ARCHITECTURE = (DOCS / "architecture.md").read_text(encoding="utf-8")
PACKAGES = ("rules", "audit", "policy_service")
DECISIONS = sorted(path for path in (DOCS / "adr").glob("*.md") if path.name != "README.md")
FINDINGS = sorted((DOCS / "findings").glob("*.md"))
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *DOCS.rglob("*.md"),
        *(page for package in PACKAGES for page in (ROOT / package).rglob("README.md")),
    ]
)


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(text: str) -> str:
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, formed as GitHub forms them."""
    headings = re.findall(
        r"^#+ (.*)$", without_code(page.read_text(encoding="utf-8")), re.MULTILINE
    )
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", maxsplit=1)[0]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_of_a_page_resolve(page: Path) -> None:
    text = without_code(page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)", text)
    targets = [(page.parent / file if file else page, anchor) for file, anchor in links]
    assert [str(target) for target, _ in targets if not target.exists()] == []
    assert [anchor for target, anchor in targets if anchor and anchor not in anchors(target)] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    folders = "|".join((*PACKAGES, "tests", "docs", "bench", "requirements"))
    named = re.findall(rf"(?<![\w/.-])(?:{folders})/[\w/-]+\.(?:py|md|txt|yaml|wsgi)\b", text)
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_reachable_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        links = re.findall(
            r"\]\((?!https?:)([^)#]+)", without_code(page.read_text(encoding="utf-8"))
        )
        waiting.extend((page.parent / link).resolve() for link in links)
    assert [name_of(page) for page in DOCS.rglob("*.md") if page not in reached] == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_architecture_decision_has_the_required_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(
        r"# .+\n\nStatus: (accepted|superseded by \[.+\]\(.+\))\.\n\n## Context\n", text
    )
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    optional = {"Measured", "Considered and rejected"}
    assert [each for each in headings if each not in optional] == [
        "Context",
        "Decision",
        "Consequences",
    ]


def test_list_of_architecture_decisions_is_complete() -> None:
    listed = re.findall(
        r"^- \[(.*)\]\((.*)\)$",
        (DOCS / "adr" / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    titles = [
        (page.read_text(encoding="utf-8").split("\n")[0][2:], page.name) for page in DECISIONS
    ]
    assert sorted(listed) == sorted(titles)


@pytest.mark.parametrize("page", FINDINGS, ids=lambda page: page.stem)
def test_page_of_a_finding_has_the_required_headings(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.match(rf"# .+\n\n`{page.stem}`\n\n## What it means\n", text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "What it means",
        "Example",
        "What to do",
    ]


def test_glossary_is_in_alphabetical_order() -> None:
    text = (DOCS / "glossary.md").read_text(encoding="utf-8")
    terms = re.findall(r"^\| \*([^*]+)\* \|", text, re.MULTILINE)
    assert len(terms) > 20
    assert terms == sorted(set(terms))


def test_architecture_page_names_the_ledger_format() -> None:
    assert f"`user_version` is the format, {FORMAT}" in ARCHITECTURE
    name = APPLICATION_ID.to_bytes(4, "big").decode()
    assert f"`application_id` is `{name}`" in ARCHITECTURE
    formats = re.findall(r"^\| (\d+) \|", section(ARCHITECTURE, "Files of a ledger"), re.MULTILINE)
    assert [int(number) for number in formats] == [*range(1, FORMAT + 1)]


def list_folders() -> list[str]:
    """Return the first word of each line of the plan of folders."""
    plan = ARCHITECTURE.split("```")[1]
    return [line.split()[0] for line in plan.splitlines() if line and not line.startswith(" ")]


def test_folders_of_the_architecture_page_exist() -> None:
    assert all((ROOT / room).exists() for room in list_folders())


def test_architecture_page_lists_every_package() -> None:
    packages = {path.parent.name for path in ROOT.glob("[a-z]*/*.py")}
    assert (
        {*PACKAGES, "tests", "bench"} <= packages <= {room.rstrip("/") for room in list_folders()}
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_readme_of_a_package_lists_every_folder(package: str) -> None:
    text = (ROOT / package / "README.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    listed = {name.strip("/") for cell in cells for name in re.findall(r"`([\w./]+)`", cell)}
    inside = {
        path.relative_to(ROOT / package).as_posix()
        for path in (ROOT / package).iterdir()
        if (path.suffix == ".py" and path.name != "__init__.py") or (path / "__init__.py").exists()
    }
    assert inside <= listed
    assert [name for name in listed if not (ROOT / package / name).exists()] == []


def table_of_leaves() -> dict[str, list[str]]:
    """Return the members that the architecture lists for each kind, without optional ones (`?`)."""
    rows = re.findall(
        r"^\| (`[a-z]+[^|]*) \| (`.*) \|$", section(ARCHITECTURE, "Leaves, format 1"), re.MULTILINE
    )
    return {
        kind: re.findall(r"`(\w+)(?: \{[^}]*\})?`(?!\?)", members)
        for kinds, members in rows
        for kind in re.findall(r"`([a-z.]+)`", kinds)
        if kind != "system"
    }


def test_architecture_page_lists_every_kind_of_leaf() -> None:
    assert set(table_of_leaves()) == {kind.value for kind in EntryKind}


@pytest.mark.parametrize("kind", CONTENT_BY_KIND)
def test_architecture_page_lists_the_members_of_a_leaf(kind: EntryKind) -> None:
    members = fields(CONTENT_BY_KIND[kind])
    required = {
        member.metadata.get("name", member.name) for member in members if member.default is MISSING
    }
    listed = set(table_of_leaves()[kind]) - {"commitment"}  # the store's caller adds it
    assert listed == required - {"at", "workspace"}


def test_first_leaves_have_the_members_of_the_architecture_page() -> None:
    for leaf in first_leaves("acme", "2026-11-22T10:00:00.000Z"):
        always = {"format", "kind", "at", "workspace"}
        assert set(table_of_leaves()[leaf["kind"]]) <= leaf.keys() - always
        assert leaf["version"] == BUILTIN_VERSION


def invocations(text: str) -> list[list[str]]:
    """Return the words of each call of `policy-service` in the shell blocks of a page."""
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    calls = [line.split("policy-service ", 1)[1] for line in lines if "policy-service " in line]
    return [shlex.split(re.split(r" (?:\||<|\d?>)", call)[0], comments=True) for call in calls]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    options = {
        words: {option for param in command.params for option in param.opts}
        for words, command in commands(main)
        if not isinstance(command, click.Group)
    }
    calls = invocations(page.read_text(encoding="utf-8"))
    assert calls or page.name not in ("operations.md", "format.md", "backtesting.md")
    for call in calls:
        name = next((words for words in options if tuple(call[: len(words)]) == tuple(words)), None)
        assert name, call
        assert {word for word in call if word.startswith("--")} <= options[name], call


def test_operations_page_lists_the_roles_of_every_permission() -> None:
    page = (DOCS / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(.*)` \| (.*) \|$", section(page, "Keys and roles"), re.MULTILINE)
    assert rows == [
        (permission.value, ", ".join(f"`{role.value}`" for role in Role if role in roles))
        for permission, roles in ROLES.items()
    ]


def test_benchmarks_page_lists_every_row() -> None:
    page = (DOCS / "benchmarks.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `([a-z]+)` \|", page, re.MULTILINE) == [*BENCHES]
