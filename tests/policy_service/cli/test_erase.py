"""`erase`: erasure of a contact's personal data at the command line."""

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


def entry_kinds(data: Path) -> list[str]:
    with SqliteStore.open(data) as store, store.read() as snapshot:
        return [entry.value["kind"] for entry in snapshot.entries("acme")]


def test_erase_prints_the_number_of_entries_and_its_own_entry(data: Path) -> None:
    output = call("erase", "--data", data, *WHY, "ct-1").stdout
    assert output == "Erased the personal data of 4 entries of acme; entry 6\n"
    again = call("erase", "--data", data, *WHY, "ct-1").stdout
    assert again == "Erased the personal data of 0 entries of acme; entry 7\n"


def test_erase_json_equals_the_answer_of_the_api(data: Path) -> None:
    erased: dict[str, Any] = as_json("erase", "--data", data, *WHY, "ct-1")
    assert erased["entries"] == [2, 3, 4, 5]
    assert (erased["by"], erased["reason"]) == ("system", "Asked for")
    assert (erased["ledger"]["log"], erased["ledger"]["index"]) == ("acme", 6)


def test_erase_exits_with_1_and_records_the_refusal_when_a_hold_exists(data: Path) -> None:
    held = hold(data)
    refusal = call("erase", "--data", data, *WHY, "ct-1", code=1)
    assert held in refusal.stderr
    assert refusal.stdout == ""
    problem = as_json("erase", "--data", data, *WHY, "ct-1", code=1)
    assert (problem["status"], problem["code"]) == (409, "under_hold")
    assert entry_kinds(data)[-2:] == ["erasure.refused", "erasure.refused"]


def test_ledger_verifies_and_replays_after_an_erasure_and_the_story_names_it(data: Path) -> None:
    at = as_json("erase", "--data", data, *WHY, "ct-1")["at"]
    call("verify", "--data", data)
    call("replay", "--data", data)
    result = call("story", "--data", data, "--workspace", "acme", "c-1").stdout
    assert result.count(f"who and what was erased {at}, entry 6") == 2


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
def test_invalid_arguments_of_erase_exit_with_2_and_write_nothing(
    data: Path, arguments: tuple[str, ...]
) -> None:
    before = entry_kinds(data)
    call("erase", "--data", data, *arguments, code=2)
    assert entry_kinds(data) == before


def test_erase_exits_with_2_and_makes_no_folder_when_there_is_no_ledger(tmp_path: Path) -> None:
    call("erase", "--data", tmp_path / "none", *WHY, "ct-1", code=2)
    assert not (tmp_path / "none").exists()
