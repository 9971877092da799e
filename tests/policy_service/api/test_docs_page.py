"""The page that shows the description: whole, readable by anyone, and alone."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import shlex
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from policy_service.api.parameters import PARTS
from policy_service.api.routes import ROUTES
from policy_service.problems import PROBLEMS
from tests.policy_service.openapi_description import call_place, description, description_at

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api

VOID = {"meta", "link", "br", "img", "input"}


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.styles: list[str] = []
        self.blocks: dict[str, str] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "pre":
            label = str(dict(attrs)["aria-label"])
            assert label not in self.blocks
            self.blocks[label] = ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "style":
            self.styles.append(data)
        else:
            self.text += data
        if "pre" in self.open:
            self.blocks[next(reversed(self.blocks))] += data

    def values(self, attribute: str) -> list[str]:
        return [str(given[attribute]) for _, given in self.tags if attribute in given]

    def count(self, tag: str) -> int:
        return sum(each == tag for each, _ in self.tags)


@pytest.fixture(scope="module")
def page(shared: Api) -> Page:
    answered = shared.send("GET", "/docs")
    assert answered.content_type == "text/html; charset=utf-8"
    return Page(answered.text)


def test_page_shows_every_call_problem_and_schema(page: Page) -> None:
    shown = set(page.values("id"))
    assert {description_at(*call_place(route, "operationId")) for route in ROUTES} <= shown
    assert {f"problem-{code}" for code in PROBLEMS} <= shown
    assert {f"schema-{name}" for name in description()["components"]["schemas"]} <= shown
    for route in ROUTES:
        assert description_at(*call_place(route, "summary")).replace("`", "") in page.text
        for parameter in description_at(*call_place(route, "parameters")):
            assert parameter["description"].replace("`", "") in page.text


def test_page_begins_with_decisions(page: Page) -> None:
    headings = [given["id"] for tag, given in page.tags if tag == "h2" and "id" in given]
    assert headings[0] == "tag-decisions"


def test_contents_show_summary_of_each_call(page: Page) -> None:
    for route in ROUTES:
        assert page.text.count(route.summary.rstrip(".").replace("`", "")) >= 2


def test_page_has_command_for_each_call(page: Page) -> None:
    for route in ROUTES:
        command = page.blocks[f"Command for {route.method} {route.template}"]
        words = shlex.split(command.replace(" \\\n", " "))
        assert words[0] == "curl"
        assert ("-X" in words) is (route.method != "GET")
        assert ("Authorization: Bearer $KEY" in words) is (route.permission is not None)
        address = next(word for word in words if word.startswith("http://"))
        values = {part: str(PARTS[part].metadata["example"]) for part in route.parts}
        assert address.partition("?")[0].endswith(route.template.format(**values))
        if route.body and route.body.is_json:
            sent = json.loads(words[words.index("-d") + 1])
            assert sent in route.body.examples.values()


def test_page_shows_example_of_each_type_of_event(page: Page) -> None:
    for name in ROUTES[0].body.examples if ROUTES[0].body else ():
        assert f'"type": "{name}"' in page.text


def test_links_of_page_have_targets(page: Page) -> None:
    ids = Counter(page.values("id"))
    assert [identity for identity, times in ids.items() if times > 1] == []
    links = page.values("href")
    assert {link for link in links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in links if link.startswith("#")} <= ids.keys()


def test_page_loads_and_runs_nothing(shared: Api, page: Page) -> None:
    """Its policy allows the style it carries, known by its hash, and nothing else."""
    [style] = page.styles
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert shared.send("GET", "/docs").headers["Content-Security-Policy"].split("; ") == [
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    assert not re.search(r"url\(|@import|://", style)
    assert {"src", "style", "onclick", "action"}.isdisjoint(
        name for _, given in page.tags for name in given
    )
    assert {"script", "link", "img", "iframe", "form"}.isdisjoint(tag for tag, _ in page.tags)


def test_page_is_well_formed_and_has_landmarks(page: Page) -> None:
    assert page.open == []
    assert ("html", {"lang": "en"}) in page.tags
    assert [page.count(tag) for tag in ("main", "h1", "nav", "footer")] == [1, 1, 1, 1]
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert all(next_ <= level + 1 for level, next_ in itertools.pairwise(levels))
    assert page.count("caption") == page.count("table")
    assert all(given.get("scope") for tag, given in page.tags if tag == "th")
    assert all(given.get("aria-label") for tag, given in page.tags if tag in {"nav", "pre"})


def test_page_escapes_markup_in_text(page: Page) -> None:
    assert "Authorization: Bearer <key>" in page.text


def test_root_redirects_to_page(shared: Api) -> None:
    answered = shared.send("GET", "/")
    assert (answered.status_code, answered.headers["Location"]) == (302, "/docs")
