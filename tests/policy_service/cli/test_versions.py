"""`rules propose` to `rules guardrails`: a key takes the steps in a folder or at a server."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from audit.stores.sqlite.store import SqliteStore
from policy_service.access.keys import Keyring
from rules.model import builtin
from tests.policy_service.api_client import document
from tests.policy_service.cli.test_rules import written
from tests.policy_service.command_line import as_json, call
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.served import Server

TREE = document("From a file")
GUARDRAIL = {
    "id": "outbound-is-never-asked",
    "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
    "outcome_in": ["not_triggered", "noted"],
}

_numbers = count(1)
"""Numbers for workspaces, each used once."""


class Team:
    """Keys in files, and the place and the workspace of the steps."""

    def __init__(
        self,
        folder: Path,
        place: tuple[str | Path, ...],
        keys: Mapping[str, str],
        workspace: str = "acme",
    ) -> None:
        self.folder = folder
        self.place = place
        self.workspace = workspace
        for role, token in keys.items():
            (folder / role).write_text(f"{token}\n")

    def step(self, role: str, *arguments: str | Path, code: int = 0) -> Any:
        where = (*self.place, "--workspace", self.workspace, "--key", self.folder / role)
        return as_json("rules", arguments[0], *where, *arguments[1:], code=code)

    def propose(self, tree: Any = TREE) -> Any:
        return self.step("author", "propose", written(self.folder, tree))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all teams: each has a workspace of its own."""
    with served(tmp_path_factory.mktemp("versions") / "data", workers=1) as running:
        yield running


@pytest.fixture(params=["folder", "server"])
def team(request: pytest.FixtureRequest, tmp_path: Path) -> Team:
    if request.param == "folder":
        data = tmp_path / "data"
        keys = json.loads(call("init", "--data", data, "--json").stdout)["keys"]
        return Team(tmp_path, ("--data", data), keys)
    server: Server = request.getfixturevalue("server")
    url = f"http://127.0.0.1:{server.port}"
    return Team(tmp_path, ("--url", url), server.keys, f"team-{next(_numbers)}")


def test_version_is_proposed_approved_activated_and_rolled_back(team: Team) -> None:
    """The keys decide as over HTTP, in a folder and at a server."""
    proposed = team.step("author", "propose", written(team.folder, TREE), "--note", "Why")
    assert (proposed["version"], proposed["status"], proposed["note"]) == (2, "proposed", "Why")
    file = written(team.folder, TREE, "same.json")
    approved = team.step("approver", "approve", "2", "--file", file)
    assert (approved["status"], approved["digest"]) == ("approved", proposed["digest"])
    assert approved["approvals"][0]["by"] != proposed["proposed_by"]
    shadow = team.step("approver", "activate", "2", "--shadow")
    assert shadow["activations"][0]["shadow"] is True
    trial = team.step("approver", "activate", "2", "--percent", "10", "--apply-to-running")
    assert (trial["activations"][1]["percent"], trial["status"]) == (10, "active")
    again = team.step("approver", "activate", "2", "--percent", "5", code=1)
    assert again["code"] == "percent_shrinks"
    assert team.step("approver", "activate", "2")["status"] == "active"
    assert team.step("approver", "activate", "1")["status"] == "active"
    later = team.step("approver", "activate", "2", "--at", "2199-01-01T00:00:00Z")
    assert (later["status"], later["scheduled"][0]["due"][:4]) == ("retired", "2199")
    assert team.step("approver", "unschedule", "2")["scheduled"] == []
    assert team.step("approver", "unschedule", "2", code=2)["code"] == "not_found"


def test_other_proposal_needs_supersede(team: Team) -> None:
    first = team.propose()
    assert team.propose() == first
    other = written(team.folder, {**TREE, "title": "Another"}, "other.yaml")
    assert team.step("author", "propose", other, code=1)["code"] == "proposal_open"
    assert team.step("author", "propose", other, "--supersede")["version"] == 3


def test_refused_step_exits_with_1_and_forbidden_step_with_2(team: Team) -> None:
    proposed = team.propose()
    bad = written(team.folder, {**TREE, "rules": [{"id": "x"}], "colour": "red"}, "bad.yaml")
    refusal = team.step("author", "propose", bad, code=1)
    assert refusal["code"] == "invalid_document"
    assert len(refusal["errors"]) > 1
    other = team.step("approver", "approve", "2", "--digest", "sha256:0", code=1)
    assert other["code"] == "digest_mismatch"
    assert team.step("approver", "activate", "2", code=1)["code"] == "wrong_status"
    assert team.step("approver", "activate", "9", code=2)["code"] == "not_found"
    wrong = team.step("author", "approve", "2", "--digest", proposed["digest"], code=2)
    assert wrong["code"] == "role_not_allowed"
    (team.folder / "nobody").write_text("key-none.secret")
    assert team.step("nobody", "reject", "2", "--reason", "No", code=2)["code"] == "unauthorized"
    rejected = team.step("approver", "reject", "2", "--reason", "Not now")
    assert (rejected["status"], rejected["rejected"]["reason"]) == ("rejected", "Not now")


def test_version_is_activated_without_approval_when_none_is_required(team: Team) -> None:
    """Only an owner can require no approval; the output shows the owner's key and reason."""
    assert team.step("author", "approvals") == {"count": 1, "since": None}
    team.propose()
    assert team.step("approver", "activate", "2", code=1)["code"] == "wrong_status"
    asked = ("approvals", "0", "--reason", "A team of one")
    assert team.step("approver", *asked, code=2)["code"] == "role_not_allowed"
    required = team.step("owner", *asked)
    assert (required["count"], required["since"]["reason"]) == (0, "A team of one")
    assert team.step("auditor", "approvals") == required
    assert team.step("approver", "activate", "2")["status"] == "active"


def test_guardrails_of_a_file_apply_to_the_next_proposal(team: Team) -> None:
    assert team.step("author", "guardrails")["since"] is None
    file = team.folder / "guardrails.yaml"
    file.write_text(json.dumps([GUARDRAIL]))
    asked = ("guardrails", file, "--reason", "Agreed")
    assert team.step("author", *asked, code=2)["code"] == "role_not_allowed"
    result = team.step("auditor", *asked)
    assert (result["properties"], result["since"]["reason"]) == ([GUARDRAIL], "Agreed")
    assert team.step("auditor", *asked) == result, "setting what is set changes nothing"
    asks = {**TREE, "guards": [g for g in TREE["guards"] if g["id"] != "not-inbound"], "tests": []}
    refusal = team.step("author", "propose", written(team.folder, asks), code=1)
    assert "guardrail_broken" in {error["code"] for error in refusal["errors"]}
    file.write_text("[]")
    assert team.step("auditor", *asked)["properties"] == []
    assert team.propose()["status"] == "proposed"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("properties: []", "wrong_type"),
        ("[1]", "wrong_type"),
        ("[{id: x, for_all: {colour: red}, outcome_in: [noted]}]", "unknown_fact"),
        ("- {id: x\n", "not_yaml"),
    ],
)
def test_guardrails_exits_with_1_when_the_file_has_no_valid_properties(
    team: Team, text: str, code: str
) -> None:
    file = team.folder / "guardrails.yaml"
    file.write_text(text)
    refusal = team.step("auditor", "guardrails", file, "--reason", "Agreed", code=1)
    assert code in {error["code"] for error in refusal["errors"]}
    assert team.step("auditor", "guardrails")["since"] is None


@pytest.fixture
def at_home(tmp_path: Path) -> Team:
    data = tmp_path / "data"
    keys = json.loads(call("init", "--data", data, "--json").stdout)["keys"]
    return Team(tmp_path, ("--data", data), keys)


def test_propose_prints_the_version_or_its_complaints(at_home: Team) -> None:
    where = (*at_home.place, "--workspace", "acme", "--key")
    file = written(at_home.folder, TREE)
    output = call("rules", "propose", *where, at_home.folder / "author", file).stdout
    assert output.startswith("version 2 of acme is proposed: sha256:")
    bad = at_home.folder / "bad.yaml"
    bad.write_text(builtin.load_text().replace("enabled: true", "enabled: perhaps"))
    refusal = call("rules", "propose", *where, at_home.folder / "author", bad, code=1)
    assert refusal.stdout == ""
    assert "/settings/enabled" in refusal.stderr


def test_activate_prints_the_rollout_and_the_schedule(at_home: Team) -> None:
    where = (*at_home.place, "--workspace", "acme", "--key", at_home.folder / "approver")

    def activate(*how: str) -> str:
        output = call("rules", "activate", *where, "2", *how).stdout
        return output.replace(digest, "DIGEST")

    digest = at_home.propose()["digest"]
    early = call("rules", "activate", *where, "2", code=1).stderr
    assert "it needs 1 more approval" in early
    call("rules", "approve", *where, "2", "--digest", digest)
    name = "version 2 of acme is"
    assert activate("--shadow") == f"{name} active, in the shadow: DIGEST\n"
    some = ", for 10 percent of the conversations"
    assert activate("--percent", "10") == f"{name} active{some}: DIGEST\n"
    output = activate("--at", "2199-01-01T00:00:00+01:00")
    due = "  to be activated at 2198-12-31T23:00:00.000Z\n"
    assert output == f"{name} active{some}: DIGEST\n{due}"
    assert activate() == f"{name} active: DIGEST\n"
    no_key = call("rules", "approvals", "--workspace", "acme", *at_home.place, given=b"", code=2)
    assert "--key" in no_key.stderr


def test_approvals_and_guardrails_print_the_requirements(at_home: Team) -> None:
    where = (*at_home.place, "--workspace", "acme", "--key")
    file = at_home.folder / "guardrails.json"
    file.write_text(json.dumps([GUARDRAIL]))
    output = call("rules", "approvals", *where, at_home.folder / "author").stdout
    assert output == "acme: 1 must approve a version\n"
    because = ("--reason", "Agreed")
    output = call("rules", "approvals", *where, at_home.folder / "owner", "2", *because).stdout
    assert output.startswith("acme: 2 must approve a version, by key-")
    output = call("rules", "guardrails", *where, at_home.folder / "auditor", file, *because).stdout
    assert output.startswith("acme: 1 guardrails, by key-")
    assert output.endswith(": Agreed\n  outbound-is-never-asked\n")


def test_key_is_read_from_standard_input_and_its_use_is_recorded(at_home: Team) -> None:
    data, token = at_home.folder / "data", (at_home.folder / "author").read_bytes()
    where = ("--data", data, "--workspace", "acme", written(at_home.folder, TREE))
    call("rules", "propose", *where, given=token)
    with SqliteStore.open(data) as store, store.read() as snapshot:
        author = next(k for k in Keyring().keys(snapshot).values() if k.role == "author")
        assert set(snapshot.last_uses()) == {author.id}
    call("verify", "--data", data)


def test_key_of_another_workspace_gets_not_found(at_home: Team) -> None:
    made = ("keys", "create", *at_home.place, "--role", "author", "--name", "of a test")
    token = as_json(*made, "--workspace", "globex")["secret"]
    (at_home.folder / "globex").write_text(token)
    file = written(at_home.folder, TREE)
    assert at_home.step("globex", "propose", file, code=2)["code"] == "not_found"


@pytest.mark.parametrize(
    "arguments",
    [
        ("approve", "2"),
        ("approve", "2", "--digest", "sha256:0", "--file", __file__),
        ("approve", "0", "--digest", "sha256:0"),
        ("activate", "2", "--at", "tomorrow"),
        ("activate", "2", "--percent", "0"),
        ("activate", "2", "--percent", "10", "--shadow"),
        ("reject", "2"),
        ("reject", "2", "--reason", "x" * 501),
        ("propose", __file__, "--note", "x" * 501),
        ("approvals", "2"),
        ("approvals", "11", "--reason", "Why"),
        ("approvals", "--reason", "Why"),
        ("guardrails", __file__),
        ("guardrails", "--reason", "Why"),
        ("guardrails", __file__, "--reason", "x" * 501),
        ("propose", "none.yaml"),
    ],
    ids=" ".join,
)
def test_invalid_arguments_of_version_commands_exit_with_2(
    at_home: Team, arguments: tuple[str, ...]
) -> None:
    where = (*at_home.place, "--workspace", "acme", "--key", at_home.folder / "approver")
    call("rules", arguments[0], *where, *arguments[1:], code=2)


def test_propose_refuses_a_file_that_is_not_utf_8_or_has_duplicate_keys(at_home: Team) -> None:
    for name, body in {"bytes.yaml": b"\xff", "twice.json": b'{"a": 1, "a": 2}'}.items():
        (at_home.folder / name).write_bytes(body)
        refusal = at_home.step("author", "propose", at_home.folder / name, code=1)
        assert refusal["code"] == "invalid_document"


def test_propose_exits_with_2_when_no_server_answers(at_home: Team) -> None:
    where = ("--workspace", "acme", "--key", at_home.folder / "author")
    file = written(at_home.folder, TREE)
    output = call("rules", "propose", "--url", "http://127.0.0.1:1", *where, file, code=2)
    assert "did not answer" in output.stderr
