"""The description of the service: whole, valid, and what is served."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from openapi_spec_validator import validate

from policy_service.access.keys import Role
from policy_service.api.parameters import PARTS
from policy_service.api.route import Route
from policy_service.api.routes import ROUTES
from policy_service.problems import PROBLEMS
from tests.policy_service.api_client import ACME, event, read
from tests.policy_service.openapi_description import (
    JSON,
    call_place,
    description,
    description_at,
    schema_errors,
    takes_json,
)
from tests.policy_service.problems import errors
from tests.scenarios.runner import merged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.policy_service.api_client import Api

EVENT_SCHEMA = ("components", "schemas", "Event")


def name(value: object) -> str | None:
    return value.endpoint if isinstance(value, Route) else None


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def places(value: Any, *parts: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every mapping in the description of the calls, and where it is."""
    if isinstance(value, dict):
        yield parts, value
    named = value.items() if isinstance(value, dict) else enumerate(value)
    for part, inner in named:
        if isinstance(inner, dict | list) and part not in ("example", "examples", "schema"):
            yield from places(inner, *parts, part)


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_row_has_summary_parts_and_known_problems(route: Route) -> None:
    row = f"the row of {route.endpoint} in policy_service/api/resources/{route.resource}.py"
    assert route.summary, f"the view in {row} has no docstring: it is the call's summary"
    for part in route.parts:
        assert part in PARTS, f"{row} has <{part}>; say in PARTS of api/parameters.py what that is"
    for code in route.problems:
        assert code in PROBLEMS, f"{row} names {code!r}, which is not in PROBLEMS"


def test_description_is_served_and_valid(shared: Api) -> None:
    answered = shared.send("GET", "/openapi.json")
    assert answered.content_type == "application/json"
    assert read(answered) == description()
    validate(read(answered))


def test_served_and_described_calls_are_equal(shared: Api) -> None:
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in shared.client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    redirect = {("GET", "/")}  # for people alone
    assert served - redirect == {(method, path) for method, path, _ in operations()}


def test_no_path_hides_a_part_that_a_client_names() -> None:
    """`GET /v1/workspaces/{w}/decisions/count` would hide the decision on the event `count`."""
    hidden = [
        (fixed.path, named.path)
        for named in ROUTES
        for fixed in ROUTES
        if fixed.method == named.method
        and named.path.endswith(">")
        and re.fullmatch(re.escape(named.path.rpartition("<")[0]) + "[^<]+", fixed.path)
    ]
    assert hidden == []


def test_operation_ids_are_unique() -> None:
    names = Counter(operation["operationId"] for _, _, operation in operations())
    assert [each for each, times in names.items() if times > 1] == []


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_description_names_roles_of_call(route: Route) -> None:
    allowed = {
        role for each in description_at(*call_place(route, "security")) for role in each["key"]
    }
    assert allowed == set(route.roles)


@pytest.mark.parametrize("route", ROUTES, ids=name)
def test_bodies_and_answers_have_valid_examples(route: Route) -> None:
    shown = 0
    for place, each in places(description_at(*call_place(route)), *call_place(route)):
        if "schema" not in each:
            continue
        examples = [one["value"] for one in each.get("examples", {}).values()]
        examples += [each["example"]] if "example" in each else []
        for example in examples:
            assert schema_errors(example, *place, "schema") == [], place
        assert examples or "headers" in place, f"there is no example at {place}"
        shown += len(examples)
    assert shown


def test_each_problem_is_described_by_a_call() -> None:
    """But for a method that no call has: there is no call then that could say so."""
    met = {code for route in ROUTES for code in route.refusals}
    assert set(PROBLEMS) - met == {"method_not_allowed"}


@pytest.mark.parametrize(
    "route", [route for route in ROUTES if route.method == "GET" and route.roles], ids=name
)
def test_call_accepts_only_described_parameters(shared: Api, route: Route) -> None:
    path = route.template.format(**{part: PARTS[part].metadata["example"] for part in route.parts})
    described = [
        each for each in description_at(*call_place(route, "parameters")) if each["in"] == "query"
    ]
    query = urlencode([(each["name"], each["example"]) for each in described])
    token = shared.tokens[min(route.roles)]
    assert shared.send("GET", f"{path}?{query}", token=token).status_code in {200, 404}
    refused = shared.send("GET", f"{path}?{query}&undescribed=1", token=token)
    assert errors(refused) == [("/undescribed", "unknown_parameter")]


@pytest.mark.parametrize("route", [route for route in ROUTES if takes_json(route)], ids=name)
def test_undescribed_member_is_refused_by_description_and_service(
    shared: Api, route: Route
) -> None:
    assert route.body
    path = route.template.format(**{part: PARTS[part].metadata["example"] for part in route.parts})
    body = {**next(iter(route.body.examples.values())), "undescribed": 1}
    assert schema_errors(body, *call_place(route, "requestBody", "content", JSON[0], "schema"))
    token = shared.tokens[min(route.roles)]
    refused = shared.send(route.method, path, json.dumps(body), token)
    assert ("/undescribed", "unknown_field") in errors(refused)


def test_schema_names_are_nouns_without_titles() -> None:
    schemas = description_at("components", "schemas")
    assert [name for name in schemas if not re.fullmatch("([A-Z][a-z]+)+", name)] == []
    assert [name for name, schema in schemas.items() if "title" in schema] == []


def test_properties_are_never_only_null() -> None:
    """Some generators fail at a property that has no other value."""
    for name, schema in description_at("components", "schemas").items():
        for member, inner in schema.get("properties", {}).items():
            assert inner.get("type") not in ("null", ["null"]), f"{name}.{member}"


def test_description_has_example_of_each_type_of_event() -> None:
    body = description_at("paths", "/v1/decisions", "post", "requestBody", "content", JSON[0])
    types = description_at(*EVENT_SCHEMA, "properties", "type", "enum")
    assert {name: each["value"]["type"] for name, each in body["examples"].items()} == {
        name: name for name in types
    }


def example(method: str, path: str, *of: str) -> Any:
    """An example of the description: what is sent, or what `of` this status answers."""
    where = ("responses", *of) if of else ("requestBody",)
    content = description_at("paths", path, method, *where, "content", JSON[0])
    named = content.get("examples", {}).values()
    return next((each["value"] for each in named), content.get("example"))


def test_example_event_gets_example_decision(api: Api) -> None:
    decided = api.decide(example("post", "/v1/decisions"))
    shown = example("post", "/v1/decisions", "200")
    assert decided["ledger"].keys() == shown["ledger"].keys()
    assert {m for m in shown if decided[m] != shown[m]} <= {"decided_at", "ledger"}


def test_examples_lead_from_proposal_to_active_version(api: Api) -> None:
    """Proposed, approved and active, as it is shown; the times and keys are those of that day."""
    versions = "/v1/workspaces/{workspace}/versions"
    steps = [
        (Role.AUTHOR, versions, "201"),
        (Role.APPROVER, f"{versions}/{{number}}/approve", "200"),
        (Role.APPROVER, f"{versions}/{{number}}/activate", "200"),
    ]
    for role, path, status in steps:
        sent = example("post", path)
        answered = api.post(path.format(workspace="acme", number=2), sent, role)
        assert str(answered.status_code) == status, answered.text
        told, shown = read(answered), example("post", path, status)
        assert {m for m in shown if told[m] != shown[m]} <= {
            "proposed_by", "proposed_at", "approvals", "activations",
        }  # fmt: skip
    policy = read(api.get(f"{ACME}/policy"))
    assert policy == example("get", "/v1/workspaces/{workspace}/policy", "200")


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "contact.replied", "message": None},
        {"type": "contact.replied", "message": None, "answer": {}},
        {"type": "contact.started"},
        {"question": {"id": "dec-1.0"}},
        {"colour": "red"},
        {"id": ""},
        {"id": "x" * 129},
        {"workspace": {"id": "Acme"}},
        {"contact": {"kind": "robot"}},
        {"conversation": {"assigned": "no"}},
    ],
    ids=str,
)
def test_event_is_refused_by_description_and_service(shared: Api, changes: dict[str, Any]) -> None:
    sent = merged(event(), changes)
    assert schema_errors(sent, *EVENT_SCHEMA)
    assert shared.post("/v1/decisions", sent, Role.PLATFORM).status_code == 400


def test_description_allows_null_for_absent_members_of_event(api: Api) -> None:
    sent = event() | {"answer": None, "question": None, "attributes": None}
    sent["contact"] |= {"email": None, "identity": None}
    assert schema_errors(sent, *EVENT_SCHEMA) == []
    assert api.decide(sent)["outcome"] == "ask"
