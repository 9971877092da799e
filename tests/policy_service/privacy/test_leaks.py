"""Personal data is in no file, log, metric or refusal; after an erasure it is nowhere.

A real server is asked everything, with values planted wherever an event may hold what is personal.
Beside it the commands are run. Who is meant to see the values: `MEANT`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.policy_service.api_client import ACME, decision_path, document, event
from tests.served import run, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.served import Answer, Server

PLANT = b"zq7"
DECIDE = "/v1/decisions"
CONTACT = "zq7contact"
PERSON = {
    "id": CONTACT,
    "kind": "lead",
    "email": "zq7email@example.com",
    "phone": "+43 zq7phone",
    "name": "zq7name",
}
HAPPENED = event(
    contact=PERSON,
    message={"text": "zq7text", "language": "en"},
    attributes={"company_size": 40, "birthday": "zq7declared", "shoe": {"size": "zq7undeclared"}},
)
DECLARING = {
    **document("With attributes"),
    "facts": {
        "attributes.company_size": {"type": "integer"},
        "attributes.birthday": {"type": "string", "personal": True},
    },
}
BAD: dict[str, tuple[int, Any]] = {
    "another event of its id": (409, {**HAPPENED, "message": {"text": "zq7other"}}),
    "an unknown field": (400, {**HAPPENED, "id": "bad", "more": "zq7more"}),
    "an unknown type": (400, {**HAPPENED, "id": "bad", "type": "zq7type"}),
    "an unknown kind": (400, {**HAPPENED, "id": "bad", "contact": {**PERSON, "kind": "zq7kind"}}),
    "an id too long": (400, {**HAPPENED, "id": "bad", "contact": {**PERSON, "id": "zq7" * 100}}),
    "no text": (400, {**HAPPENED, "id": "bad", "message": {"text": ["zq7list"]}}),
    "a time that is none": (400, {**HAPPENED, "id": "bad", "occurred_at": "zq7time"}),
    "a member twice": (400, b'{"name": "zq7a", "name": "zq7b"}'),
    "no JSON": (400, b'{"name": "zq7'),
    "no text at all": (400, b'"zq7 \xff"'),
    "half a character": (400, b'{"id": "zq7\\ud800"}'),
    "too large": (413, {**HAPPENED, "id": "bad", "message": {"text": "zq7" * 30_000}}),
}
MEANT = {"entries", "entries of the contact", "an entry", "the story, to an auditor", "holds"} | {
    "where the table goes on",  # repeats the query of whoever asked
    "the command story",
}
"""The answers that show personal data to auditors, or to the owner of the folder."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that logs at the debug level, with rules that declare a personal attribute."""
    data = tmp_path_factory.mktemp("leaks") / "data"
    with served(data, environment={"POLICY_SERVICE_LOG": "debug"}) as running:
        _publish(running)
        yield running


def _publish(server: Server) -> None:
    path = f"{ACME}/versions"
    proposed = _ask(server, "author", "POST", path, {"document": DECLARING})
    digest = {"digest": proposed.json["digest"]}
    assert _ask(server, "approver", "POST", f"{path}/2/approve", digest).status == 200
    assert _ask(server, "approver", "POST", f"{path}/2/activate", {}).status == 200


def _ask(  # noqa: PLR0913, PLR0917 - a request has many parts
    server: Server, role: str, method: str, path: str, body: Any = None, accept: str = ""
) -> Answer:
    sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    media = "application/x-ndjson" if path.endswith("/batch") else None
    with server.client(role) as client:
        client._headers = {**client._headers, **({"Accept": accept} if accept else {})}
        return client.request(method, path, sent, media)


def whole(answer: Answer) -> bytes:
    """Return the headers and the body of a response."""
    return repr(dict(answer.headers)).encode() + answer.body


def told(server: Server) -> dict[str, bytes]:
    """Return the answers to valid and invalid events, single, in a dry run and in a batch."""
    answers = {"a decision": _ask(server, "platform", "POST", "/v1/decisions", HAPPENED)}
    assert answers["a decision"].status == 200
    for name, (status, body) in BAD.items():
        refused = _ask(server, "platform", "POST", "/v1/decisions", body)
        assert refused.status == status, (name, refused.body)
        answers[name] = refused
        trial = body if isinstance(body, bytes) else {"event": body}
        answers[f"{name}, tried"] = _ask(server, "author", "POST", f"{DECIDE}/dry-run", trial)
        answers[f"{name}, by an auditor"] = _ask(server, "auditor", "POST", DECIDE, body)
    bad = [
        body if isinstance(body, bytes) else json.dumps(body).encode() for _, body in BAD.values()
    ]
    batch = b"\n".join([json.dumps({**HAPPENED, "id": "ev-2"}).encode(), *bad])
    answers["a batch"] = _ask(server, "platform", "POST", f"{DECIDE}/batch", batch)
    assert answers["a batch"].body.count(b'"status":4') == len(BAD)
    trial = {"event": {**HAPPENED, "id": "ev-9"}}
    answers["a trial"] = _ask(server, "platform", "POST", f"{DECIDE}/dry-run", trial)
    assert answers["a trial"].status == 200
    for path in ("erasures", "holds", "holds/zq7/release"):
        body = {"contact": CONTACT, "reason": "A case", "more": "zq7"}
        answers[f"a bad {path}"] = _ask(server, "auditor", "POST", f"{ACME}/{path}", body)
    return {name: whole(answer) for name, answer in answers.items()}


def asked(server: Server) -> dict[str, bytes]:
    """Return the answers about recorded decisions."""
    entries = f"{ACME}/ledger/entries"
    of_contact = f"{entries}?contact={CONTACT}"
    gets = {
        "the decision": ("platform", decision_path("ev-1")),
        "its explanation": ("auditor", f"{decision_path('ev-1')}/explanation"),
        "the story, to the platform": ("platform", f"{ACME}/conversations/c-1"),
        "the story, to an auditor": ("auditor", f"{ACME}/conversations/c-1"),
        "entries": ("auditor", entries),
        "entries of the contact": ("auditor", of_contact),
        "entries of a contact, to the platform": ("platform", of_contact),
        "an entry": ("auditor", f"{entries}/6"),
        "a bad query": ("auditor", f"{entries}?outcome={CONTACT}&more={CONTACT}"),
        "holds": ("auditor", f"{ACME}/holds"),
        "actions": ("platform", f"{ACME}/actions"),
        "the policy": ("author", f"{ACME}/policy"),
        "keys": ("owner", "/v1/keys"),
        "no decision": ("auditor", decision_path(CONTACT)),
        "no conversation": ("auditor", f"{ACME}/conversations/{CONTACT}"),
        "no path": ("auditor", f"/v1/{CONTACT}"),
        "metrics": ("platform", "/metrics"),
        "the description": ("platform", "/openapi.json"),
        "the page": ("platform", "/docs"),
    }
    answers = {name: whole(_ask(server, role, "GET", path)) for name, (role, path) in gets.items()}
    for name, path in {
        "the table": entries,
        "the table of the contact": of_contact,
        "where the table goes on": f"{of_contact}&limit=1",
    }.items():
        answers[name] = whole(_ask(server, "auditor", "GET", path, accept="text/csv"))
    return answers


def printed(server: Server) -> dict[str, bytes]:
    """Return the output of the commands and of the server."""
    data = f"--data={server.data}"
    bad = [
        body if isinstance(body, bytes) else json.dumps(body).encode() for _, body in BAD.values()
    ]
    said = {
        "decide": run("decide", data, given=b"\n".join(bad), exit_code=1),
        "verify": run("verify", data, "--json"),
        "replay": run("replay", data, "--json"),
        "story": run("story", data, "--workspace=acme", "c-1"),
        "workspaces": run("workspaces", data, "--json"),
        "keys list": run("keys", "list", data, "--json"),
    }
    outputs = {f"the command {name}": each.stdout + each.stderr for name, each in said.items()}
    return {**outputs, "the log": logged(server)}


def logged(server: Server) -> bytes:
    """Return the log without the paths that were not found, which only the debug level shows."""
    lines = server.log.read_bytes().splitlines()
    paths = [line for line in lines if b'"message":"not found"' in line]
    assert all(b'"level":"debug"' in line for line in paths)
    return b"\n".join(line for line in lines if line not in paths)


def files(server: Server) -> dict[str, bytes]:
    """Return the content of all files in the data folder, while the server runs."""
    return {
        str(path.relative_to(server.data)): path.read_bytes()
        for path in server.data.rglob("*")
        if path.is_file()
    }


def showing(answers: dict[str, bytes]) -> set[str]:
    return {name for name, said in answers.items() if PLANT in said.lower()}


def erase(server: Server) -> Answer:
    body = {"contact": CONTACT, "reason": "Asked for by the person"}
    return _ask(server, "auditor", "POST", f"{ACME}/erasures", body)


def test_personal_data_reaches_only_permitted_readers_and_nobody_after_erasure(
    server: Server,
) -> None:
    written = files(server)
    assert {"ledger.sqlite3", "ledger.sqlite3-wal", "contacts.sqlite3"} <= written.keys()
    assert any(name.startswith("metrics/") for name in written)

    assert showing(told(server)) == set()
    hold = _ask(
        server, "auditor", "POST", f"{ACME}/holds", {"contact": CONTACT, "reason": "A case"}
    )
    refused = erase(server)
    assert (refused.status, showing({"it": whole(refused)})) == (409, set())
    asking = (f"--data={server.data}", "--workspace=acme", "--reason=Asked for", CONTACT)
    said = run("erase", *asking, exit_code=1)
    assert showing({"it": said.stdout + said.stderr}) == set()
    assert showing(asked(server)) == MEANT - {"the command story"}
    assert showing(printed(server)) == {"the command story"}
    assert showing(files(server)) == set()

    other = run("keys", "create", f"--data={server.data}", "--role=auditor", "--name=other")
    keys, server.keys = server.keys, {**server.keys, "auditor": other.stdout.decode().strip()}
    released = f"{ACME}/holds/{hold.json['id']}/release"
    assert _ask(server, "auditor", "POST", released, {"reason": "Over"}).status == 200
    server.keys = keys
    erased = erase(server)
    assert (erased.status, showing({"it": whole(erased)})) == (201, set())

    assert showing(asked(server)) == set()
    assert showing(printed(server)) == set()
    assert showing(files(server)) == set()
    said = run("erase", *asking)
    assert showing({"it": said.stdout + said.stderr}) == set()
    again = _ask(server, "platform", "POST", DECIDE, HAPPENED)
    assert (again.status, again.replayed, showing({"it": whole(again)})) == (200, True, set())
    assert showing(files(server)) == set()
