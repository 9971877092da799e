"""The command line on a ledger: made, written, verified, replayed, its keys kept."""

from __future__ import annotations

import gzip
import json
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from policy_service.cli import main
from policy_service.keys import Role
from tests.policy_service.api import event, reply
from tests.served import COMMAND

if TYPE_CHECKING:
    from click.testing import Result

SHARED = Path(__file__).parents[3] / "shared" / "data" / "conversations.ndjson.gz"


def call(*arguments: str | Path, given: bytes = b"", code: int = 0) -> Result:
    """Run a command in this process; it must end with the code, and without a traceback."""
    result = CliRunner().invoke(main, [str(each) for each in arguments], input=given)
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def as_json(*arguments: str | Path, code: int = 0) -> Any:
    return json.loads(call(*arguments, "--json", code=code).stdout)


def lines(*events: Any) -> bytes:
    return b"".join(json.dumps(each).encode() + b"\n" for each in events)


SAMPLE = lines(
    event("ev-1"),
    reply("ev-2", "customer"),
    event("ev-3", conversation={"id": "c-2"}),
    reply("ev-4", "not_customer", conversation={"id": "c-2"}),
    event("ev-5", workspace={"id": "globex"}),
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A ledger with a few decisions in it."""
    folder = tmp_path / "data"
    call("decide", "--data", folder, given=SAMPLE)
    return folder


# init


def test_init_prints_a_key_for_each_role_as_json(tmp_path: Path) -> None:
    keys = as_json("init", "--data", tmp_path / "data")
    assert list(keys) == ["keys"]
    assert list(keys["keys"]) == list(Role)
    assert len(set(keys["keys"].values())) == len(Role)


def test_init_prints_the_keys_for_people_with_a_first_request(tmp_path: Path) -> None:
    said = call("init", "--data", tmp_path / "data").stdout
    assert all(f"  {role:<9} key-" in said for role in Role)
    assert "curl -s http://127.0.0.1:8000/v1/decisions" in said


def test_init_twice_is_wrong_use_and_changes_nothing(tmp_path: Path) -> None:
    as_json("init", "--data", tmp_path)
    before = as_json("verify", "--data", tmp_path)
    again = call("init", "--data", tmp_path, "--json", code=2)
    assert (again.stdout, "already" in again.stderr) == ("", True)
    assert as_json("verify", "--data", tmp_path) == before


def test_a_ledger_is_for_its_owner_alone(tmp_path: Path) -> None:
    call("init", "--data", tmp_path / "new" / "data")
    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700
    for file in (tmp_path / "new" / "data").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name


def test_init_where_a_file_stands_is_wrong_use(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    call("init", "--data", tmp_path / "data", code=2)


# decide


def test_decide_answers_every_line_in_order(tmp_path: Path) -> None:
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


def test_decide_again_gives_the_same_bytes_and_writes_nothing(data: Path) -> None:
    before = as_json("verify", "--data", data)
    first = call("decide", "--data", data, given=SAMPLE)
    again = call("decide", "--data", data, given=SAMPLE)
    assert first.stdout == again.stdout
    assert as_json("verify", "--data", data) == before


def test_a_bad_line_has_its_problem_in_its_place(tmp_path: Path) -> None:
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
    said = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line.get("code", line.get("event")) for line in said] == [
        "ev-1",
        "invalid_json",
        "invalid_event",
        "event_id_reused",
        "too_large",
        "invalid_json",
        "ev-4",
    ]
    assert said[2]["errors"][0]["pointer"] == "/colour"


def test_no_line_gives_no_line(tmp_path: Path) -> None:
    assert call("decide", "--data", tmp_path, given=b"\n \n").stdout == ""


def test_decide_makes_no_ledger_among_other_things(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine")
    result = call("decide", "--data", tmp_path, given=SAMPLE, code=2)
    assert "not empty" in result.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["letter.txt"]


def test_decide_and_a_server_share_what_was_decided(data: Path) -> None:
    """The same ledger: what one decided is replayed by the other."""
    other = call("decide", "--data", data, given=lines(reply("ev-6", "customer")))
    assert json.loads(other.stdout)["ledger"]["index"] == 6


def test_a_reader_that_leaves_early_is_no_failure_to_shout_about(tmp_path: Path) -> None:
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


def test_the_sample_conversations_are_decided_verified_and_replayed(tmp_path: Path) -> None:
    if not SHARED.exists():
        pytest.skip("the shared conversations are not beside this checkout")
    events = gzip.decompress(SHARED.read_bytes())
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


def test_keys_are_listed_without_their_secrets(tmp_path: Path) -> None:
    tokens = as_json("init", "--data", tmp_path)["keys"]
    listed = as_json("keys", "list", "--data", tmp_path)["items"]
    assert [key["role"] for key in listed] == list(tokens)
    assert {key["workspace"] for key in listed} == {"*"}
    said = json.dumps(listed) + call("keys", "list", "--data", tmp_path).stdout
    for token in tokens.values():
        assert token.partition(".")[0] in said
        assert token.partition(".")[2] not in said


def test_a_key_is_created_and_its_secret_shown_once(data: Path) -> None:
    options = ["--role", "auditor", "--workspace", "acme", "--name", "Eve's laptop"]
    created = as_json("keys", "create", "--data", data, *options)
    assert created["secret"].startswith(f"{created['id']}.")
    [listed] = as_json("keys", "list", "--data", data)["items"]
    assert listed == {name: value for name, value in created.items() if name != "secret"}
    alone = call("keys", "create", "--data", data, *options).stdout
    assert alone.startswith("key-")
    assert len(alone.splitlines()) == 1


def test_a_key_is_revoked_for_good(data: Path) -> None:
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
        ["revoke"],
        ["revoke", "key-none"],
    ],
)
def test_a_wrong_request_for_a_key_is_wrong_use(data: Path, arguments: list[str]) -> None:
    before = as_json("verify", "--data", data)
    call("keys", *arguments, "--data", data, code=2)
    assert as_json("verify", "--data", data) == before


# verify and replay


def test_a_sound_ledger_is_said_to_be_sound(data: Path) -> None:
    said = call("verify", "--data", data).stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == ["acme", "globex"]
    assert all(line.endswith("sound") for line in said)
    logs = as_json("verify", "--data", data)["logs"]
    assert [(log["log"], log["size"], log["findings"]) for log in logs] == [
        ("acme", 6, []),
        ("globex", 3, []),
    ]


def test_a_replay_decides_everything_again(data: Path) -> None:
    assert call("replay", "--data", data).stdout == (
        "acme: 4 decisions, 4 identical\nglobex: 1 decisions, 1 identical\n"
    )
    assert as_json("replay", "--data", data, "--workspace", "globex") == {
        "workspaces": [
            {"workspace": "globex", "decisions": 1, "identical": 1, "differences": []},
        ]
    }
    call("replay", "--data", data, "--workspace", "initech", code=2)


def tampered(data: Path, *statements: str) -> None:
    """Change the ledger as the owner of its file can: without the triggers."""
    with closing(sqlite3.connect(data / "ledger.sqlite3")) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert connection.execute(statement).rowcount > 0
        connection.commit()


LAST = "log = 1 AND idx = 5"
EDITS = {
    "an outcome": f"UPDATE entries SET leaf = replace(leaf, '\"lead\"', '\"ask\"') WHERE {LAST}",
    "a leaf that is another JSON": f"UPDATE entries SET leaf = '[]' WHERE {LAST}",
    "a leaf without its members": f"UPDATE entries SET leaf = '{{}}' WHERE {LAST}",
    "a leaf without facts": f"UPDATE entries SET leaf = json_remove(leaf, '$.facts') WHERE {LAST}",
    "a fact": """UPDATE entries SET leaf =
        json_set(leaf, '$.facts."workspace.plan"', 'starter') WHERE log = 1 AND idx = 2""",
    "facts of another type": f"UPDATE entries SET leaf = json_set(leaf, '$.facts', 7) WHERE {LAST}",
    "a time": f"UPDATE entries SET leaf = json_set(leaf, '$.occurred_at', 'x') WHERE {LAST}",
    "a policy": f"UPDATE entries SET leaf = json_set(leaf, '$.policy', 'x') WHERE {LAST}",
    "a version": "UPDATE entries SET leaf = json_remove(leaf, '$.version') WHERE seq = 1",
    "a hash": f"UPDATE entries SET leaf_hash = zeroblob(32) WHERE {LAST}",
    "an entry gone": f"DELETE FROM entries WHERE {LAST}",
    "an entry gone in between": "DELETE FROM entries WHERE log = 1 AND idx = 3",
    "a personal part gone": "DELETE FROM personal WHERE entry = 3",
    "a personal part": "UPDATE personal SET body = zeroblob(80) WHERE entry = 3",
    "a document": "UPDATE documents SET body = CAST('{}' AS BLOB)",
    "no document": "DELETE FROM documents",
    "a size": "UPDATE logs SET size = 5 WHERE id = 1",
    "a root": "UPDATE logs SET root = zeroblob(32) WHERE id = 1",
    "a frontier": "UPDATE logs SET frontier = zeroblob(7) WHERE id = 1",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_tampering_is_found(data: Path, edit: str) -> None:
    tampered(data, edit)
    said = call("verify", "--data", data, code=1).stdout
    assert "findings" in said
    logs = as_json("verify", "--data", data, code=1)["logs"]
    assert {log["log"] for log in logs if log["findings"]} >= {"acme"}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_a_replay_of_a_tampered_ledger_ends_without_a_traceback(data: Path, edit: str) -> None:
    """What can still be decided again is compared; the rest is a difference, never a crash."""
    tampered(data, edit)
    result = CliRunner().invoke(main, ["replay", "--data", str(data)])
    assert result.exit_code in {0, 1}, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_a_changed_fact_is_a_difference_to_the_replay(data: Path) -> None:
    tampered(data, EDITS["a fact"])
    [acme, _] = as_json("replay", "--data", data, code=1)["workspaces"]
    assert (acme["decisions"], acme["identical"]) == (4, 3)
    members = [difference["member"] for difference in acme["differences"]]
    assert members == ["outcome", "reason", "rule", "stage", "actions"]
    said = call("replay", "--data", data, code=1).stdout
    assert "entry 2, reason: recorded 'anonymous_contact', replayed 'plan_not_entitled'" in said


def test_a_damaged_file_is_a_finding(data: Path) -> None:
    file = data / "ledger.sqlite3"
    body = file.read_bytes()
    page = body.index(b'{"actions"') // 8192 * 8192
    file.write_bytes(body[:page] + b"\xff" * 8192 + body[page + 8192 :])
    assert "cannot be read" in call("verify", "--data", data, code=1).stdout
    assert as_json("verify", "--data", data, code=1)["unreadable"]


# no ledger


COMMANDS = [["verify"], ["replay"], ["keys", "list"], ["keys", "revoke", "x"], ["serve"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_where_there_is_no_ledger_a_command_is_wrong_use(
    tmp_path: Path, command: list[str]
) -> None:
    result = call(*command, "--data", tmp_path / "nothing", code=2)
    assert "no ledger" in result.stderr
    assert "init" in result.stderr
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_what_is_no_ledger_is_left_alone(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "ledger.sqlite3").write_text("Dear diary")
    result = call(*command, "--data", tmp_path, code=2)
    assert "not a ledger" in result.stderr
    assert (tmp_path / "ledger.sqlite3").read_text() == "Dear diary"


@pytest.mark.parametrize("command", [["decide"], *COMMANDS], ids=" ".join)
def test_a_ledger_of_a_newer_release_is_left_alone(data: Path, command: list[str]) -> None:
    """And nobody is told to make another one in its place."""
    with closing(sqlite3.connect(data / "ledger.sqlite3")) as connection:
        connection.execute("PRAGMA user_version = 99")
    result = call(*command, "--data", data, given=SAMPLE, code=2)
    assert "format 99" in result.stderr
    assert "makes one" not in result.stderr
