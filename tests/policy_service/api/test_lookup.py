"""A decision looked up again: every id that is accepted has an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from policy_service.access.keys import Role
from tests.policy_service.api_client import decision_path, event, read
from tests.policy_service.problems import code

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


IDS = [
    "ev-1",
    "ä ö 客户 🙂",
    "a b",
    " a",
    "a ",
    " ",
    "a/b",
    "/",
    "//",
    "a//b",
    "/a",
    "a/",
    "///a///",
    "100%",
    "%2F",
    "%252F",
    "%",
    "%zz",
    ".",
    "..",
    "../..",
    "./a",
    "a/../b",
    "a/./b",
    "?",
    "a?b=c",
    "#",
    "a#b",
    "a&b=c;d",
    "a+b",
    "a\\b",
    "<a>",
    '"',
    "'",
    "{a}",
    "[a]",
    "a|b^`",
    "a:b@c",
    "*",
    "~",
    "e\u0301",
    "\u00e9",
    "explanation",
    "a/explanation",
    "https://example.com/events/1?x=y#z",
    "x" * 128,
    "🙂" * 128,
]


@pytest.mark.parametrize("identity", IDS)
def test_decision_is_found_by_each_accepted_event_id(shared: Api, identity: str) -> None:
    decided = shared.post("/v1/decisions", event(identity), Role.PLATFORM)
    assert read(decided)["event"] == identity
    found = shared.get(decision_path(identity), Role.PLATFORM)
    assert (found.status_code, found.data) == (200, decided.data)


def test_similar_event_ids_are_different_events(api: Api) -> None:
    decided = {api.decide(event(identity))["id"] for identity in IDS}
    assert len(decided) == len(IDS)
    for identity in IDS:
        assert read(api.get(decision_path(identity)))["event"] == identity


@pytest.mark.parametrize("identity", ["nothing", "ev-1/", "/ev-1", "EV-1", "ev-1 ", "ev-1\0", "\n"])
def test_decision_is_not_found_for_undecided_event(api: Api, identity: str) -> None:
    api.decide(event())
    assert code(api.get(decision_path(identity))) == (404, "not_found")
    assert code(api.get(decision_path("ev-1", "globex"))) == (404, "not_found")


def test_lookup_writes_nothing(api: Api) -> None:
    api.decide(event())
    written = api.log_heads()
    api.get(decision_path("ev-1"))
    api.get(decision_path("ev-1", "globex"))
    assert api.log_heads() == written
