"""Erasing a person at the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from audit.stores.sqlite.store import SqliteStore
from policy_service.privacy.holds import set_hold
from policy_service.services import Services
from tests.policy_service.command_line import as_json, call

if TYPE_CHECKING:
    from pathlib import Path

WHY = ("--workspace", "acme", "--reason", "Asked for")


def hold(data: Path) -> str:
    with SqliteStore.open(data) as store:
        hold = set_hold(Services(store).workspace_ledger(None, "acme"), "ct-1", "A case")
    return str(hold["id"])


def kinds(data: Path) -> list[str]:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return [entry.value["kind"] for entry in snapshot.entries("acme")]


def test_erasing_says_how_much_was_and_where_that_stands(data: Path) -> None:
    said = call("erase", "--data", data, *WHY, "ct-1").stdout
    assert said == "Erased the personal data of 4 entries of acme; entry 6\n"
    again = call("erase", "--data", data, *WHY, "ct-1").stdout
    assert again == "Erased the personal data of 0 entries of acme; entry 7\n"


def test_erasing_as_json_is_what_is_answered_over_http(data: Path) -> None:
    erased: dict[str, Any] = as_json("erase", "--data", data, *WHY, "ct-1")
    assert erased["entries"] == [2, 3, 4, 5]
    assert (erased["by"], erased["reason"]) == ("system", "Asked for")
    assert (erased["ledger"]["log"], erased["ledger"]["index"]) == ("acme", 6)


def test_under_a_hold_it_is_a_finding_and_the_refusal_stays(data: Path) -> None:
    held = hold(data)
    refused = call("erase", "--data", data, *WHY, "ct-1", code=1)
    assert held in refused.stderr
    assert refused.stdout == ""
    problem = as_json("erase", "--data", data, *WHY, "ct-1", code=1)
    assert (problem["status"], problem["code"]) == (409, "under_hold")
    assert kinds(data)[-2:] == ["erasure.refused", "erasure.refused"]


def test_what_was_erased_verifies_replays_and_is_told_so(data: Path) -> None:
    at = as_json("erase", "--data", data, *WHY, "ct-1")["at"]
    call("verify", "--data", data)
    call("replay", "--data", data)
    told = call("story", "--data", data, "--workspace", "acme", "c-1").stdout
    assert told.count(f"who and what was erased {at}, entry 6") == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--workspace", "acme", "ct-1"),
        ("--reason", "Asked for", "ct-1"),
        WHY,
        ("--workspace", "acme", "--reason", "", "ct-1"),
        ("--workspace", "acme", "--reason", "x" * 501, "ct-1"),
        (*WHY, ""),
        (*WHY, "x" * 201),
        (*WHY, "ct-\udcff"),
        ("--workspace", "system", "--reason", "Asked for", "ct-1"),
        ("--workspace", "ACME", "--reason", "Asked for", "ct-1"),
    ],
)
def test_what_cannot_be_asked_for_is_wrong_use(data: Path, arguments: tuple[str, ...]) -> None:
    before = kinds(data)
    call("erase", "--data", data, *arguments, code=2)
    assert kinds(data) == before


def test_without_a_ledger_there_is_nothing_to_erase_from(tmp_path: Path) -> None:
    call("erase", "--data", tmp_path / "none", *WHY, "ct-1", code=2)
    assert not (tmp_path / "none").exists()
