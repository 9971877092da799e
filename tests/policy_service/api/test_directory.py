"""The directory of a workspace: told by the platform, kept in its log, held against documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.evidence.ledger_verifier import verify_ledger
from policy_service.access.keys import Role
from tests.policy_service.api_client import ACME, document, event, read
from tests.policy_service.bundles import exported, key_of, run
from tests.policy_service.cli.test_rules import written
from tests.policy_service.command_line import as_json, call
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

TEAMS = ["sales", "inbox"]
UNKNOWN = "name_not_in_directory"


@pytest.fixture(autouse=True)
def sound(api: Api) -> Iterator[None]:
    yield
    with api.store.read() as view:
        assert [found for report in verify_ledger(view) for found in report.findings] == []


def tell(api: Api, role: Role = Role.PLATFORM, **lists: Any) -> TestResponse:
    return api.send("PUT", f"{ACME}/directory", json.dumps(lists), api.tokens[role])


def unknown(api: Api, version: int = 1) -> list[dict[str, Any]]:
    report = read(api.get(f"{ACME}/versions/{version}/report"))
    return [finding for finding in report["findings"] if finding["code"] == UNKNOWN]


def test_directory_is_empty_by_default_and_nothing_is_reported(api: Api) -> None:
    nothing = dict.fromkeys(("teams", "teammates", "tags", "digest", "since"))
    assert read(api.get(f"{ACME}/directory")) == nothing
    before = api.log_heads()
    assert read(tell(api, teams=None)) == nothing
    assert api.log_heads() == before, "telling nothing where nothing was told changes nothing"
    assert unknown(api) == []


def test_unknown_team_is_reported_with_example(api: Api) -> None:
    assert tell(api, teams=TEAMS).status_code == 200
    [finding] = unknown(api)
    assert finding["pointer"] == "/settings/customer_destination"
    assert "no team `support`" in finding["message"]
    assert "assign" in finding["example"]["decision"]["actions"]
    assert api.propose(document("Two"))["status"] == "proposed", "it refuses nothing"
    tell(api, teams=[*TEAMS, "support"])
    assert unknown(api) == unknown(api, 2) == []


def test_directory_is_an_entry_with_its_key(api: Api) -> None:
    told = read(tell(api, teams=[*TEAMS, "inbox"], tags=[]))
    assert (told["teams"], told["teammates"], told["tags"]) == (sorted(TEAMS), None, [])
    assert read(api.get(f"{ACME}/directory", Role.AUTHOR)) == told
    [entry] = api.entries("?kind=directory.replaced")
    assert (entry["index"], entry["entry"]["digest"]) == (told["since"]["index"], told["digest"])
    assert entry["entry"]["by"] == told["since"]["by"] == api.keys[Role.PLATFORM].id
    before = api.log_heads()
    assert read(tell(api, Role.OWNER, tags=[], teams=sorted(TEAMS))) == told
    assert api.log_heads() == before, "the order of names says nothing"
    assert read(api.get("/v1/workspaces/globex/directory"))["teams"] is None


def test_directory_can_be_first_entry_of_workspace(api: Api) -> None:
    tell(api, teams=TEAMS)
    assert api.decide(event())["policy"]["version"] == 1


@pytest.mark.parametrize(
    ("lists", "found"),
    [
        ({"teams": [""]}, ("/teams/0", "too_short")),
        ({"teams": ["x" * 201]}, ("/teams/0", "too_long")),
        ({"tags": "lead"}, ("/tags", "wrong_type")),
        ({"tags": ["x"] * 10_001}, ("/tags", "wrong_type")),
        ({"tags": [1] * 10_001}, ("/tags", "wrong_type")),
        ({"people": []}, ("/people", "unknown_field")),
    ],
    ids=["empty", "long", "no list", "many", "many numbers", "another list"],
)
def test_directory_is_refused_when_its_body_is_wrong(
    api: Api, lists: Any, found: tuple[str, str]
) -> None:
    before = api.log_heads()
    refused = tell(api, **lists)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == [found]
    assert api.log_heads() == before


def test_bundle_holds_directory_and_verifier_checks_it(api: Api, tmp_path: Path) -> None:
    told = read(tell(api, teams=TEAMS))
    bundle = exported(api.store.folder, tmp_path / "out")
    (tmp_path / "acme.key").write_text(key_of(api.store.folder))
    given = ("--key", tmp_path / "acme.key")
    ended, said = run(bundle, *given, beside=tmp_path / "empty")
    assert (ended, said["findings"]) == (0, [])
    kept = bundle / "versions" / f"{told['digest'].replace(':', '-')}.json"
    assert json.loads(kept.read_bytes()) == {"teams": sorted(TEAMS)}
    kept.unlink()
    ended, said = run(bundle, *given, beside=tmp_path / "empty")
    assert (ended, {found["code"] for found in said["findings"]}) == (1, {"document"})


def test_rules_check_reads_answered_directory(api: Api, tmp_path: Path) -> None:
    tell(api, teams=TEAMS)
    listed = tmp_path / "directory.json"
    listed.write_bytes(api.get(f"{ACME}/directory").data)
    file = written(tmp_path, document())
    told = as_json("rules", "check", file, "--directory", listed)["findings"]
    assert [each["pointer"] for each in told if each["code"] == UNKNOWN] == [
        "/settings/customer_destination"
    ]
    assert f"({UNKNOWN})" in call("rules", "check", file, "--directory", listed).stdout
    assert UNKNOWN not in call("rules", "check", file).stdout


@pytest.mark.parametrize("body", ["[]", "{", '{"teams": "support"}', "1"])
def test_rules_check_fails_when_file_is_not_a_directory(tmp_path: Path, body: str) -> None:
    listed = tmp_path / "directory.json"
    listed.write_text(body)
    call("rules", "check", written(tmp_path, document()), "--directory", listed, code=2)
