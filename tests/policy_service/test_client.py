"""The client package drives the service and neither loses nor doubles an event."""

from __future__ import annotations

import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from policy_service.client import MAX_TRIES, Client, NoAnswerError, RefusedRequestError
from rules.model import builtin
from tests.policy_service.api.test_scenarios import Workspaces, shared_scenarios
from tests.scenarios.runner import own_scenarios
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = {
    "id": "ev/1 ü",
    "type": "conversation.started",
    "occurred_at": "2026-11-22T10:00:00Z",
    "workspace": {"id": "acme", "plan": "pro"},
    "conversation": {"id": "c-1", "direction": "inbound"},
    "contact": {"id": "ct-1", "kind": "lead"},
    "message": {"text": "Hi", "language": "en"},
}


class Clients:
    """A client for each role of a server."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self.by_role = {role: Client(f"http://127.0.0.1:{port}", key) for role, key in keys.items()}

    def post(self, role: str, path: str, body: Any) -> Any:
        """Do the step that the scenario runner requests with the client's own methods."""
        client = self.by_role[role]
        workspace, _, step = path.removeprefix("/v1/workspaces/").partition("/versions")
        match step.split("/"):
            case _ if path == "/v1/decisions":
                return client.decide(body)
            case [_, number, "approve"]:
                return client.approve(workspace, int(number), body["digest"])
            case [_, number, "activate"]:
                return client.activate(workspace, int(number))
            case _:
                return client.propose(workspace, body["document"])


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clients]:
    with served(tmp_path_factory.mktemp("client") / "data") as server:
        made = Clients(server.port, dict(server.keys))
        yield made
        for client in made.by_role.values():
            client.close()


def test_client_drives_the_project_s_scenarios(clients: Clients) -> None:
    Workspaces(clients.post).run(
        scenario for scenario in own_scenarios() if not scenario.settings.get("office_hours")
    )


def test_client_drives_the_shared_scenarios(clients: Clients) -> None:
    Workspaces(clients.post).run(shared_scenarios())


def test_get_decision_accepts_an_event_id_with_any_characters(clients: Clients) -> None:
    platform = clients.by_role["platform"]
    decided = platform.decide(EVENT)
    assert platform.decide(EVENT) == decided
    assert platform.get_decision("acme", "ev/1 ü") == decided


def test_refused_request_is_raised_with_code_and_errors(clients: Clients) -> None:
    with pytest.raises(RefusedRequestError) as refusal:
        clients.by_role["platform"].decide({**EVENT, "type": "nothing"})
    assert (refusal.value.status, refusal.value.code) == (400, "invalid_event")
    assert [error["pointer"] for error in refusal.value.errors] == ["/type"]


def test_lists_are_read_page_by_page_to_the_end(clients: Clients) -> None:
    platform, auditor = clients.by_role["platform"], clients.by_role["auditor"]
    for number in range(5):
        platform.decide({**EVENT, "id": f"walk-{number}", "workspace": {"id": "w", "plan": "pro"}})
    findings = auditor.list_entries("w", kind="decision", limit=2, from_="2020-01-01T00:00:00Z")
    entries: list[Any] = list(findings)
    assert [entry["entry"]["event"] for entry in entries] == [f"walk-{n}" for n in range(5)]


def test_policy_and_versions_are_read(clients: Clients) -> None:
    author = clients.by_role["author"]
    assert author.get_policy("fresh")["document"] == builtin.load_tree()
    assert [version["version"] for version in author.list_versions("fresh")] == [1]
    assert author.get_version("fresh", 1)["document"] == builtin.load_tree()


def test_batch_and_dry_run_return_decisions(clients: Clients) -> None:
    platform = clients.by_role["platform"]
    where = {"workspace": {"id": "many", "plan": "pro"}}
    tried = platform.dry_run({**EVENT, **where}, stage="routed")
    assert tried["decision"]["reason"] == "already_routed"
    first: Any
    first, refusal, again = platform.decide_all(
        [{**EVENT, **where}, {**EVENT, "type": "nothing"}, {**EVENT, **where}]
    )
    assert first["reason"] == "anonymous_contact"
    assert refusal.get("code") == "invalid_event"
    assert again == first


def test_decision_is_explained_its_action_delivered_and_its_story_read(clients: Clients) -> None:
    platform = clients.by_role["platform"]
    decided: Any = platform.decide({**EVENT, "workspace": {"id": "told", "plan": "pro"}})
    explained = platform.get_explanation("told", EVENT["id"])  # type: ignore[arg-type]  # it is a str
    assert explained["tried"][-1]["rule"] == decided["rule"]
    [action] = platform.list_actions("told", "pending", "failed")
    assert platform.send_receipt("told", action["id"], "failed", "no channel")["status"] == "failed"
    assert platform.retry_action("told", action["id"])["status"] == "pending"
    assert platform.send_receipt("told", action["id"], "delivered")["status"] == "delivered"
    assert list(platform.list_actions("told", "pending")) == []
    [result] = platform.list_story("told", "c-1")
    assert result["actions"][0]["status"] == "delivered"


def test_version_is_compared_and_rejected(clients: Clients) -> None:
    author, approver = clients.by_role["author"], clients.by_role["approver"]
    settings = {**builtin.load_tree()["settings"], "ask_again": 2}
    proposed = author.propose("compared", {**builtin.load_tree(), "settings": settings})
    findings = author.get_diff("compared", proposed["version"], against=1)
    assert [change["name"] for change in findings["settings"]] == ["ask_again"]
    assert approver.reject("compared", proposed["version"], "not now")["status"] == "rejected"


def test_directory_is_replaced_completely_and_read(clients: Clients) -> None:
    platform, author = clients.by_role["platform"], clients.by_role["author"]
    assert author.get_directory("known")["since"] is None
    platform.replace_directory("known", {"teams": ["support", "inbox"], "tags": ["lead"]})
    result = platform.replace_directory("known", {"teams": ["sales", "inbox"]})
    assert (result["teams"], result["tags"]) == (["inbox", "sales"], None)
    again = platform.replace_directory("known", {"teams": ["inbox", "sales"]})
    assert author.get_directory("known") == result == again


def test_approvals_and_guardrails_are_read_and_set(clients: Clients) -> None:
    owner, auditor = clients.by_role["owner"], clients.by_role["auditor"]
    assert auditor.get_approvals("asked") == {"count": 1, "since": None}
    required = owner.require_approvals("asked", 2, "Both look")
    assert required["count"] == 2
    assert (
        auditor.get_approvals("asked") == required == owner.require_approvals("asked", 2, "Again")
    )
    assert auditor.get_guardrails("asked")["properties"] == []
    asked = {"id": "of-new", "for_all": {"conversation.stage": "new"}, "outcome_in": ["ask"]}
    guarded = auditor.set_guardrails("asked", [asked], "Agreed")
    assert guarded["properties"] == [asked]
    assert auditor.get_guardrails("asked") == guarded


def test_idempotent_put_is_retried_until_it_is_answered() -> None:
    """Setting the same value again changes nothing, so a lost answer is retried."""
    with answering(503, None, 200) as (url, seen), Client(url, "key") as client:
        client.require_approvals("acme", 2, "Both look")
        client.set_guardrails("acme", [], "Not needed")
        assert seen == {"/v1/workspaces/acme/approvals": 3, "/v1/workspaces/acme/guardrails": 1}


@contextmanager
def answering(*statuses: int | None) -> Iterator[tuple[str, Counter[str]]]:
    """Serve these answers in turn, the last one forever; None closes the connection."""
    seen: Counter[str] = Counter()
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            seen[self.path] += 1
            status = left.pop(0) if len(left) > 1 else left[0]
            self.rfile.read(int(self.headers["Content-Length"]))
            if status is None:
                self.connection.close()
                return
            problem = {"status": status, "code": "busy", "detail": "later"}
            body = json.dumps(problem if status >= 400 else {"id": "dec"}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_POST  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policy_service.client.PAUSE", 0.0)


def test_decide_is_retried_until_it_is_answered() -> None:
    with answering(503, None, 429, 200) as (url, seen), Client(url, "key") as client:
        assert client.decide(EVENT)["id"] == "dec"
        assert seen["/v1/decisions"] == 4


def test_last_error_is_raised_after_the_maximum_of_tries() -> None:
    with answering(503) as (url, seen), Client(url, "key") as client:
        with pytest.raises(RefusedRequestError):
            client.decide(EVENT)
        assert seen["/v1/decisions"] == MAX_TRIES
    with answering(None) as (url, seen), Client(url, "key") as client:
        with pytest.raises(NoAnswerError):
            client.decide(EVENT)
        assert seen["/v1/decisions"] == MAX_TRIES


def test_propose_is_not_retried_when_no_answer_came() -> None:
    with answering(None) as (url, seen), Client(url, "key") as client:
        with pytest.raises(NoAnswerError):
            client.propose("acme", {})
        assert seen["/v1/workspaces/acme/versions"] == 1


def test_propose_is_retried_when_the_service_was_unavailable() -> None:
    with answering(503, 201) as (url, seen), Client(url, "key") as client:
        client.propose("acme", {})
        assert seen["/v1/workspaces/acme/versions"] == 2


def test_raised_error_has_no_personal_data_and_no_key() -> None:
    with answering(None) as (url, _), Client(url, "secret-key") as client:
        with pytest.raises(NoAnswerError) as no_answer:
            list(client.list_entries("acme", contact="planted@example.com"))
        assert "planted" not in str(no_answer.value)
        assert "secret-key" not in str(no_answer.value)
        assert no_answer.value.__suppress_context__
