"""`init`, `decide` and `keys` on a ledger."""

from __future__ import annotations

import gzip
import json
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest

from policy_service.access.keys import Role
from tests.folders import SHARED
from tests.policy_service.api_client import event, reply
from tests.policy_service.command_line import SAMPLE, as_json, call, lines
from tests.served import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = SHARED / "data" / "conversations.ndjson.gz"


# init


def test_init_prints_a_key_for_each_role_as_json(tmp_path: Path) -> None:
    keys = as_json("init", "--data", tmp_path / "data")
    assert list(keys) == ["keys"]
    assert list(keys["keys"]) == list(Role)
    assert len(set(keys["keys"].values())) == len(Role)


def test_init_prints_the_keys_for_people_with_a_first_request(tmp_path: Path) -> None:
    output = call("init", "--data", tmp_path / "data").stdout
    assert all(f"  {role:<9} key-" in output for role in Role)
    assert "curl -s http://127.0.0.1:8000/v1/decisions" in output


def test_second_init_exits_with_2_and_changes_nothing(tmp_path: Path) -> None:
    as_json("init", "--data", tmp_path)
    before = as_json("verify", "--data", tmp_path)
    again = call("init", "--data", tmp_path, "--json", code=2)
    assert (again.stdout, "already" in again.stderr) == ("", True)
    assert as_json("verify", "--data", tmp_path) == before


def test_init_adds_keys_once_to_a_ledger_without_keys(tmp_path: Path) -> None:
    """`decide` may have made the ledger, or an `init` that was killed halfway."""
    call("decide", "--data", tmp_path / "data", given=b"")
    keys = as_json("init", "--data", tmp_path / "data")["keys"]
    assert set(keys) == {"platform", "author", "approver", "auditor", "owner"}
    call("init", "--data", tmp_path / "data", code=2)


def test_files_of_a_ledger_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    call("init", "--data", tmp_path / "new" / "data")
    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700
    for file in (tmp_path / "new" / "data").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_init_exits_with_2_when_the_path_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    call("init", "--data", tmp_path / "data", code=2)


# decide


def test_decide_prints_one_decision_per_line_in_order(tmp_path: Path) -> None:
    result = call("decide", "--data", tmp_path / "new", given=SAMPLE)
    decisions = [json.loads(line) for line in result.stdout.splitlines()]
    assert [decision["event"] for decision in decisions] == [f"ev-{n}" for n in range(1, 6)]
    assert [decision["reason"] for decision in decisions] == [
        "anonymous_contact",
        "contact_details_needed",
        "anonymous_contact",
        "lead_to_qualify",
        "anonymous_contact",
    ]
    assert "Made a ledger" in result.stderr


def test_repeated_decide_prints_the_same_bytes_and_writes_nothing(data: Path) -> None:
    before = as_json("verify", "--data", data)
    first = call("decide", "--data", data, given=SAMPLE)
    again = call("decide", "--data", data, given=SAMPLE)
    assert first.stdout == again.stdout
    assert as_json("verify", "--data", data) == before


def test_decide_prints_a_problem_in_place_of_an_invalid_line(tmp_path: Path) -> None:
    given = b"".join(
        [
            lines(event("ev-1")),
            b"not JSON\n",
            b"\n",
            lines({**event("ev-2"), "colour": "red"}),
            lines(event("ev-1", message={"text": "other"})),
            b" " * 70_000 + lines(event("ev-3")),
            b"\xff\n",
            lines(event("ev-4")).rstrip(),
        ]
    )
    result = call("decide", "--data", tmp_path, given=given, code=1)
    output = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("code", line.get("event")) for line in output] == [
        "ev-1",
        "invalid_json",
        "invalid_event",
        "event_id_reused",
        "too_large",
        "invalid_json",
        "ev-4",
    ]
    assert output[2]["errors"][0]["pointer"] == "/colour"


def test_decide_prints_nothing_when_the_input_is_blank(tmp_path: Path) -> None:
    assert call("decide", "--data", tmp_path, given=b"\n \n").stdout == ""


def test_decide_makes_no_ledger_in_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    result = call("decide", "--data", tmp_path, given=SAMPLE, code=2)
    assert "not empty" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_decide_continues_an_existing_ledger(data: Path) -> None:
    """A server and the command may write the same ledger in turn."""
    other = call("decide", "--data", data, given=lines(reply("ev-6", "customer")))
    assert json.loads(other.stdout)["ledger"]["index"] == 6


def test_decide_ends_without_a_traceback_when_its_output_is_closed(tmp_path: Path) -> None:
    many = lines(*(event(f"ev-{n}") for n in range(2_000)))
    with (tmp_path / "events.ndjson").open("wb") as file:
        file.write(many)
    piped = subprocess.run(
        ["sh", "-c", '"$0" decide --data data < events.ndjson | head -n 1', COMMAND],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert json.loads(piped.stdout)["event"] == "ev-0"
    assert piped.stderr.decode().strip() == "Made a ledger in data."


def test_shared_conversations_are_decided_verified_and_replayed(tmp_path: Path) -> None:
    if not SAMPLES.exists():
        pytest.skip("the shared conversations are not beside this checkout")
    events = gzip.decompress(SAMPLES.read_bytes())
    first = call("decide", "--data", tmp_path, given=events)
    decisions = [json.loads(line) for line in first.stdout.splitlines()]
    assert len(decisions) == len(events.splitlines())
    assert len({decision["id"] for decision in decisions}) == 9_358
    verified = as_json("verify", "--data", tmp_path)
    assert all(log["findings"] == [] for log in verified["logs"])
    replayed = as_json("replay", "--data", tmp_path)["workspaces"]
    assert sum(each["decisions"] for each in replayed) == 9_358
    assert all(each["differences"] == [] for each in replayed)
    assert call("decide", "--data", tmp_path, given=events).stdout == first.stdout
    assert as_json("verify", "--data", tmp_path) == verified


# keys


def test_keys_list_shows_no_secret(tmp_path: Path) -> None:
    tokens = as_json("init", "--data", tmp_path)["keys"]
    listed = as_json("keys", "list", "--data", tmp_path)["items"]
    assert [key["role"] for key in listed] == list(tokens)
    assert {key["workspace"] for key in listed} == {"*"}
    output = json.dumps(listed) + call("keys", "list", "--data", tmp_path).stdout
    for token in tokens.values():
        assert token.partition(".")[0] in output
        assert token.partition(".")[2] not in output


def test_keys_create_shows_the_secret_only_once(data: Path) -> None:
    options = ["--role", "auditor", "--workspace", "acme", "--name", "Eve's laptop"]
    created = as_json("keys", "create", "--data", data, *options)
    assert created["secret"].startswith(f"{created['id']}.")
    [listed] = as_json("keys", "list", "--data", data)["items"]
    assert listed == {name: value for name, value in created.items() if name != "secret"}
    alone = call("keys", "create", "--data", data, *options).stdout
    assert alone.startswith("key-")
    assert len(alone.splitlines()) == 1


def test_keys_revoke_is_permanent_and_idempotent(data: Path) -> None:
    key = as_json("keys", "create", "--data", data, "--role", "owner", "--name", "x")["id"]
    revoked = as_json("keys", "revoke", "--data", data, key)
    assert revoked["revoked_at"] is not None
    before = as_json("verify", "--data", data)
    assert as_json("keys", "revoke", "--data", data, key) == revoked
    assert call("keys", "revoke", "--data", data, key).stdout == f"{key} is revoked\n"
    assert as_json("verify", "--data", data) == before
    assert "revoked" in call("keys", "list", "--data", data).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "--role", "king", "--name", "x"],
        ["create", "--role", "owner"],
        ["create", "--role", "owner", "--name", "x", "--workspace", "ACME"],
        ["create", "--role", "owner", "--name", "x", "--workspace", "system"],
        ["create", "--role", "owner", "--name", ""],
        ["create", "--role", "owner", "--name", "x" * 201],
        ["create", "--role", "owner", "--name", "\x1b[31m"],
        ["create", "--role", "owner", "--name", "two\nlines"],
        ["create", "--role", "owner", "--name", "\udcff"],
        ["revoke"],
        ["revoke", "key-none"],
    ],
)
def test_invalid_arguments_of_keys_exit_with_2_and_write_nothing(
    data: Path, arguments: list[str]
) -> None:
    before = as_json("verify", "--data", data)
    call("keys", *arguments, "--data", data, code=2)
    assert as_json("verify", "--data", data) == before
