"""Many events at once: the same path as one by one, a line for a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from audit.errors import BusyError, StorageUnavailableError
from policy_service.access.keys import Role
from policy_service.api.requests import MAX_BATCH, MAX_BATCH_LINES
from policy_service.api.resources import decisions
from policy_service.decisions.batch import BATCH_SIZE, ResultLine, decide_lines
from policy_service.observability.instrumentation import DecisionMetrics
from policy_service.policies.policy_cache import PolicyCache
from rules.model.event import MAX_EVENT_BYTES
from tests.policy_service.api_client import decision_path, event, reply
from tests.policy_service.command_line import lines
from tests.policy_service.openapi_description import schema_errors
from tests.policy_service.problems import code, errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from werkzeug.test import TestResponse

    from tests.policy_service.api_client import Api

PATH = "/v1/decisions/batch"
NDJSON = "application/x-ndjson"
FEW = [
    event("ev-1"),
    reply("ev-2", "customer"),
    event("ev-3", conversation={"id": "c-2"}),
    reply("ev-4", "not_customer", conversation={"id": "c-2"}),
    event("ev-5", workspace={"id": "globex"}),
]


def send(api: Api, body: bytes, token: str | None = None, media: str = NDJSON) -> TestResponse:
    headers = {"Content-Type": media}
    return api.send("POST", PATH, body, token or api.tokens[Role.PLATFORM], **headers)


def answers(answered: TestResponse) -> list[dict[str, Any]]:
    assert (answered.status_code, answered.content_type) == (200, NDJSON), answered.text
    assert answered.data == b"" or answered.data.endswith(b"\n")
    return [json.loads(line) for line in answered.data.splitlines()]


def test_batch_answers_lines_in_order(api: Api) -> None:
    decided = answers(send(api, lines(*FEW)))
    assert [each["event"] for each in decided] == [each["id"] for each in FEW]
    assert [each["reason"] for each in decided] == [
        "anonymous_contact",
        "contact_details_needed",
        "anonymous_contact",
        "lead_to_qualify",
        "anonymous_contact",
    ]
    for each in decided:
        assert schema_errors(each, "components", "schemas", "Decision") == []


def test_batch_decides_like_single_events(api: Api) -> None:
    """The same bytes, whichever way an event was asked first, and again."""
    single = [api.post("/v1/decisions", each, Role.PLATFORM).data for each in FEW[:3]]
    written = api.log_heads()
    batch = send(api, lines(*FEW[:3])).data.splitlines()
    assert batch == single
    assert api.log_heads() == written
    later = send(api, lines(*FEW)).data
    assert send(api, lines(*FEW)).data == later
    again = api.post("/v1/decisions", FEW[4], Role.PLATFORM)
    assert again.data == later.splitlines()[4]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.get(decision_path("ev-4")).data == later.splitlines()[3]


def test_batch_decides_repeated_event_once(api: Api) -> None:
    first, again, other = answers(send(api, lines(FEW[0], FEW[0], event(message={"text": "?"}))))
    assert first == again
    assert other["code"] == "event_id_reused"
    assert len(api.entries("?kind=decision")) == 1


def test_bad_line_gets_its_problem_and_stops_nothing(api: Api) -> None:
    largest = json.dumps(event("ev-largest")).encode().ljust(MAX_EVENT_BYTES)
    body = b"".join(
        [
            lines(event("ev-1")),
            b"not JSON\n",
            b"\n \t\r\n",
            lines({**event("ev-2"), "colour": "red"}),
            largest + b"\r\n",
            largest + b" \n",
            b"\xff\n",
            b"[]\n",
            lines(event("ev-3")).rstrip(),
        ]
    )
    said = answers(send(api, body))
    assert [each.get("code", each.get("event")) for each in said] == [
        "ev-1",
        "invalid_json",
        "invalid_event",
        "ev-largest",
        "too_large",
        "invalid_json",
        "invalid_event",
        "ev-3",
    ]
    assert said[2]["errors"][0]["pointer"] == "/colour"
    for problem in said:
        if "code" in problem:
            assert schema_errors(problem, "components", "schemas", "Problem") == []


def test_line_is_not_found_when_key_is_for_another_workspace(api: Api) -> None:
    _, token = api.new_key(Role.PLATFORM, "acme")
    written = api.log_heads()
    said = answers(send(api, lines(FEW[4], FEW[0]), token))
    assert [each.get("code", each.get("event")) for each in said] == ["not_found", "ev-1"]
    assert {log for log, head in api.log_heads().items() if head != written.get(log)} == {"acme"}


@pytest.mark.parametrize("body", [b"", b"\n", b"\r\n \n\t\n"], ids=repr)
def test_empty_batch_has_empty_answer(shared: Api, body: bytes) -> None:
    assert answers(send(shared, body)) == []


@pytest.mark.parametrize(
    "media", ["", "application/json", "text/plain", "application/ndjson", "x-ndjson"]
)
def test_batch_is_refused_with_another_content_type(shared: Api, media: str) -> None:
    written = shared.log_heads()
    refused = send(shared, lines(*FEW), media=media)
    assert code(refused) == (400, "invalid_request")
    assert errors(refused) == [("", "wrong_media_type")]
    assert NDJSON in refused.text
    assert shared.log_heads() == written


def test_batch_accepts_content_type_with_parameters_in_any_case(api: Api) -> None:
    assert len(answers(send(api, lines(FEW[0]), media="Application/X-NDJSON; charset=utf-8"))) == 1


def test_batch_is_refused_when_it_has_too_many_lines(shared: Api) -> None:
    written = shared.log_heads()
    refused = send(shared, b"{}\n\n" * (MAX_BATCH_LINES + 1))
    assert code(refused) == (413, "too_large")
    assert shared.log_heads() == written


def test_batch_answers_maximum_number_of_lines(shared: Api) -> None:
    """Blank lines do not count."""
    assert len(answers(send(shared, b"{}\n\n" * MAX_BATCH_LINES))) == MAX_BATCH_LINES


def test_batch_is_refused_when_body_is_too_large(shared: Api) -> None:
    written = shared.log_heads()
    whole = lines(FEW[0])
    assert code(send(shared, whole.ljust(MAX_BATCH + 1))) == (413, "too_large")
    assert shared.log_heads() == written


def decided(store: Any, events: Iterable[bytes]) -> Iterator[ResultLine]:
    """Return the lines of a batch on a store of which it asks nothing else."""
    return decide_lines(store, PolicyCache(), DecisionMetrics(), events)


def test_batch_refuses_later_lines_after_storage_failure() -> None:
    """Else an event could overtake one of its conversation, and be decided from a wrong stage."""

    class Full:
        """A store that is full after its first commit."""

        asked = 0

        def lookup_key(self, *_: str) -> None: ...

        def transact_each(self, works: Sequence[object], _: object) -> list[Exception]:
            self.asked += 1
            return [BusyError("full")] * len(works)

    store = Full()
    many = [b"%d" % number for number in range(BATCH_SIZE * 3)]
    events = (json.dumps(event(f"ev-{number.decode()}")).encode() for number in many)
    said = [json.loads(line.text) for line in decided(store, events)]
    assert (len(said), {each["code"] for each in said}) == (len(many), {"busy"})
    assert store.asked == 1


def test_unexpected_failure_is_a_problem_of_its_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken:
        def lookup_key(self, *_: str) -> None: ...

        def transact_each(self, works: Sequence[object], _: object) -> list[Exception]:
            return [RuntimeError("a secret"), StorageUnavailableError("the disk is full")][
                : len(works)
            ]

    events = [json.dumps(event(f"ev-{number}")).encode() for number in range(2)]
    said = [json.loads(line.text) for line in decided(Broken(), events)]
    assert [each["code"] for each in said] == ["internal_error", "storage_unavailable"]
    assert "a secret" not in json.dumps(said)
    assert "a secret" in caplog.text


def test_example_of_batch_has_its_example_answer(api: Api) -> None:
    said = answers(send(api, decisions.BATCH.encode()))
    shown = [json.loads(line) for line in decisions.DECIDED_BATCH.splitlines()]
    assert said[0]["id"] == shown[0]["id"]
    assert said[1]["code"] == shown[1]["code"]
