"""A ledger with an entry of every kind, made by the same requests each time.

New kinds are added at the end: the entries before them stay as they are.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from tests.vectors.service import command, init_ledger, open_service

if TYPE_CHECKING:
    from pathlib import Path

    from freezegun.api import FrozenDateTimeFactory

    from tests.vectors.service import Service, Tokens

ACME = "/v1/workspaces/acme"
DUE = "2026-11-23T00:00:00Z"
OVERTAKEN = "2026-11-24T00:00:00Z"
LAST_DAY = "2026-11-25T00:00:00Z"


def make_ledger(folder: Path, clock: FrozenDateTimeFactory) -> Tokens:
    """Make the ledger in a new folder; return the keys."""
    tokens = init_ledger(folder)
    with open_service(folder, tokens, clock) as service:
        _more_keys(service)
        _conversations(service)
        _receipts(service)
        _requirements(service)
        _versions(service)
        _holds_and_erasures(service)
        service.text("auditor", f"{ACME}/ledger/checkpoint")
        tokens = service.tokens
    _lose_a_decision(folder, tokens, clock)
    command("erase", "--data", folder, "--workspace", "acme", "--reason", "asked", "ct-café")
    with open_service(folder, tokens, clock) as service:
        _withdraw(service)
        _unschedule(service)
        service.text("auditor", f"{ACME}/ledger/checkpoint")
    return tokens


def _more_keys(service: Service) -> None:
    for name, role in {"second approver": "approver", "second auditor": "auditor"}.items():
        body = {"role": role, "workspace": "*", "name": name, "expires_at": "2027-01-01T00:00:00Z"}
        service.tokens[name] = service.send("owner", "POST", "/v1/keys", body)["secret"]
    body = {"role": "author", "workspace": "acme", "name": "a key for “acme”"}
    created = service.send("owner", "POST", "/v1/keys", body)
    service.send("owner", "DELETE", f"/v1/keys/{created['id']}")


def event(identity: str, conversation: str, contact: str, /, **members: Any) -> dict[str, Any]:
    """Return an event of the workspace acme."""
    return {
        "id": identity,
        "type": "contact.replied",
        "occurred_at": "2026-11-22T11:59:30+01:00",
        "workspace": {"id": "acme", "plan": "pro"},
        "conversation": {"id": conversation, "direction": "inbound", "channel": "messenger"},
        "contact": {"id": contact, "kind": "lead", "name": "Zoë Müller"},
        **members,
    }


def _started(number: int, **members: Any) -> dict[str, Any]:
    message = {"text": "Good morning 🌞", "language": "en-GB"}
    members = {"type": "conversation.started", "message": message, **members}
    return event(f"started-{number}", f"c-{number}", f"ct-{number}", **members)


def _decide(service: Service, *events: dict[str, Any]) -> list[dict[str, Any]]:
    return [service.send("platform", "POST", "/v1/decisions", each) for each in events]


def _conversations(service: Service) -> None:
    """Decide a conversation that ends with a customer, one with a lead, and odd events."""
    known = {"id": "ct-1", "kind": "lead", "email": "eve@example.org", "identity": "claimed"}
    score = {"score": 1.5, "nothing": None, "big": 1e21, "vip": True, "company_size": 12}
    _decide(
        service,
        _started(1, attributes=score),
        event("unclear-1", "c-1", "ct-1", message={"text": "???", "language": "en"}),
        event("answer-1", "c-1", "ct-1", answer={"choice": "customer"}),
        event("known-1", "c-1", "ct-1", type="contact.identified", contact=known),
        _started(2),
        event("answer-2", "c-2", "ct-2", message={"text": "Not yet.", "language": "en"}),
        event("ev é/😀", "c-😀", "ct-café", message={"text": '\u2028\t"\\ é'}),
        _started(3, workspace={"id": "acme", "plan": "starter"}),
    )


def _receipts(service: Service) -> None:
    actions = service.send("platform", "GET", f"{ACME}/actions")["items"]
    first, second, third = (each["id"] for each in actions[:3])
    receipts: tuple[tuple[str, dict[str, str]], ...] = (
        (first, {"status": "delivered"}),
        (second, {"status": "failed", "detail": "the chat does not answer: 503"}),
        (third, {"status": "failed"}),
    )
    for action, receipt in receipts:
        service.send("platform", "POST", f"{ACME}/actions/{action}/receipt", receipt)
    service.send("platform", "POST", f"{ACME}/actions/{second}/retry")
    delivered = {"status": "delivered", "detail": "at the second attempt"}
    service.send("platform", "POST", f"{ACME}/actions/{second}/receipt", delivered)


def _withdraw(service: Service) -> None:
    """Have a teammate join a conversation whose question is still open."""
    _decide(service, event("joined-20", "c-20", "ct-20", type="teammate.joined"))


def _requirements(service: Service) -> None:
    names = {"teams": ["support", "inbox", "sales"], "teammates": [], "tags": ["lead"]}
    service.send("platform", "PUT", f"{ACME}/directory", names)
    stated = {
        "id": "outbound-is-never-asked",
        "for_all": {"conversation.direction": {"not": "inbound"}, "conversation.stage": "new"},
        "outcome_in": ["not_triggered", "noted"],
    }
    required = {"properties": [stated], "reason": "nobody expects a question there"}
    service.send("auditor", "PUT", f"{ACME}/guardrails", required)
    service.send("owner", "PUT", f"{ACME}/approvals", {"count": 2, "reason": "four eyes and two"})


def _propose(service: Service, title: str, note: str | None = None, **settings: Any) -> int:
    active = service.send("author", "GET", f"{ACME}/policy")["document"]
    document = {**active, "title": title, "settings": {**active["settings"], **settings}}
    body = {"document": document, "note": note, "supersede": True}
    number: int = service.send("author", "POST", f"{ACME}/versions", body)["version"]
    return number


def _approve(service: Service, number: int) -> None:
    digest = service.send("author", "GET", f"{ACME}/versions/{number}")["digest"]
    for who in ("approver", "second approver"):
        path = f"{ACME}/versions/{number}/approve"
        service.send(who, "POST", path, {"digest": digest})


def _activate(service: Service, number: int, **how: Any) -> None:
    service.send("approver", "POST", f"{ACME}/versions/{number}/activate", how)


def _versions(service: Service) -> None:
    """Take every step that a version can take, with decisions between the steps."""
    _propose(service, "Two", note="never approved")
    website = {"website": "https://help.example.com/ü"}
    three = _propose(service, "Three", customer_route="redirect", redirect=website)
    _approve(service, three)
    _activate(service, three, percent=30)
    four = _propose(service, "Four", ask_again=2, answer_within="PT1H")
    _approve(service, four)
    _activate(service, four, shadow=True)
    for number in range(10, 16):
        answer = event(f"answer-{number}", f"c-{number}", f"ct-{number}")
        _decide(service, _started(number), {**answer, "answer": {"choice": "customer"}})
    _decide(service, _started(16))
    _activate(service, three, apply_to_running=True)
    _decide(service, event("answer-16", "c-16", "ct-16", answer={"choice": "customer"}))
    service.send("owner", "PUT", f"{ACME}/approvals", {"count": 0, "reason": "alone from now on"})
    five = _propose(service, "Five", enabled=False)
    _activate(service, five, at=DUE)
    service.clock.move_to(DUE)
    _decide(service, _started(17))
    six = _propose(service, "Six", enabled=True)
    _activate(service, six, at=OVERTAKEN, percent=50, apply_to_running=True)
    _activate(service, three)
    service.clock.move_to(OVERTAKEN)
    _decide(service, _started(18))
    seven = _propose(service, "Seven", qualify_leads=False)
    reason = {"reason": "Leads are qualified as before."}
    service.send("approver", "POST", f"{ACME}/versions/{seven}/reject", reason)


def _unschedule(service: Service) -> None:
    """Schedule a version twice and cancel the second schedule."""
    for due in ("2026-12-24T00:00:00Z", "2026-12-31T00:00:00Z"):
        _activate(service, 5, at=due)
    service.send("approver", "DELETE", f"{ACME}/versions/5/schedule")


def _holds_and_erasures(service: Service) -> None:
    def hold(body: dict[str, str]) -> str:
        identity: str = service.send("auditor", "POST", f"{ACME}/holds", body)["id"]
        return identity

    one = hold({"contact": "ct-10", "reason": "a complaint"})
    everyone = hold({"reason": "an inspection"})
    asked = {"contact": "ct-10", "reason": "asked by letter"}
    refused = service.request("auditor", "POST", f"{ACME}/erasures", asked)
    assert refused.status_code == 409, refused.text
    for identity in (everyone, one):
        path = f"{ACME}/holds/{identity}/release"
        service.send("second auditor", "POST", path, {"reason": "settled"})
    service.send("auditor", "POST", f"{ACME}/erasures", asked)
    unknown = {"contact": "nobody", "reason": "asked by letter"}
    service.send("auditor", "POST", f"{ACME}/erasures", unknown)


def _lose_a_decision(folder: Path, tokens: Tokens, clock: FrozenDateTimeFactory) -> None:
    """Restore a copy that lacks a signed decision, accept the loss, and go on."""
    copy = folder.with_name(f"{folder.name}-copy")
    shutil.copytree(folder, copy)
    with open_service(folder, tokens, clock) as service:
        _decide(service, _started(19))
        service.text("auditor", f"{ACME}/ledger/checkpoint")
    for path in folder.glob("*.sqlite3*"):
        path.unlink()
    for path in copy.glob("*.sqlite3*"):
        shutil.copy(path, folder)
    shutil.rmtree(copy)
    clock.move_to(LAST_DAY)
    both = f"{tokens['owner']}\n{tokens['approver']}\n"
    command("restore", "--data", folder, "--accept-loss", "--json", given=both)
    with open_service(folder, tokens, clock) as service:
        _decide(service, _started(20))
        for log in ("acme", "system"):
            service.text("auditor", f"/v1/workspaces/{log}/ledger/checkpoint")
