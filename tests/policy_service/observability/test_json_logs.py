"""Logs: one JSON line per request, every internal error, and no personal data."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from io import StringIO
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from policy_service.access.keys import Role
from policy_service.observability import json_logs
from tests.policy_service.api_client import ACME, event, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.policy_service.api_client import Api

PLANTED = "planted"
PERSON = {
    "id": "planted-contact",
    "email": "planted@example.com",
    "phone": "+43 planted",
    "name": "Planted Planted",
}


class LogOutput(StringIO):
    """The captured log."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[LogOutput]:
    """Capture every record from debug level on, in the service's format."""
    output = LogOutput()
    handler = logging.StreamHandler(output)
    handler.setFormatter(json_logs.LineFormatter(columns=False))
    root, ours = logging.getLogger(), logging.getLogger(json_logs.LOGGER_NAME)
    before = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield output
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def test_request_is_logged_as_one_line(api: Api, log: LogOutput) -> None:
    response = api.post("/v1/decisions", event(), Role.PLATFORM)
    [line] = log.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("at"))
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "policy_service.request",
        "message": "request",
        "request": response.headers["X-Request-Id"],
        "method": "POST",
        "route": "/v1/decisions",
        "status": 200,
        "bytes": len(response.data),
        "key": api.keys[Role.PLATFORM].id,
    }


def test_logged_route_is_its_template_or_none(api: Api, log: LogOutput) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.INFO)
    api.get(f"{ACME}/decisions/ev-1")
    api.send("GET", "/v1/planted")
    api.send("PLANTED", "/readyz")
    members = ("method", "route", "status", "key")
    assert [tuple(line[member] for member in members) for line in log.lines] == [
        (
            "GET", "/v1/workspaces/{workspace}/decisions/{event}", 404,
            api.keys[Role.AUDITOR].id,
        ),
        ("GET", "none", 404, None),
        ("other", "none", 405, None),
    ]  # fmt: skip


def test_path_that_is_not_found_is_logged_at_debug_level_only(shared: Api, log: LogOutput) -> None:
    response = shared.send("GET", "/v1/typo")
    assert "Not found, or this key may not see it" in response.text
    line, request = log.lines
    assert (line["level"], line["message"], line["path"]) == ("debug", "not found", "/v1/typo")
    assert line["request"] == request["request"]
    assert "/v1/typo" not in request.values()


def test_health_check_is_not_logged(api: Api, log: LogOutput) -> None:
    assert api.send("GET", "/healthz").status_code == 200
    assert log.lines == []


def send_personal_requests(api: Api) -> None:
    """Send personal data in every place of a request that can carry them."""
    started = event(
        "ev-1",
        contact=PERSON,
        message={"text": "planted text"},
        attributes={"planted": "planted value"},
    )
    platform, auditor = api.tokens[Role.PLATFORM], api.tokens[Role.AUDITOR]
    api.decide(started)
    api.decide({**started, "id": "ev-2"})
    api.decide(reply("ev-3", "customer", contact=PERSON))
    for refusal in (
        json.dumps({**started, "planted": "planted"}),
        json.dumps({**started, "type": "planted"}),
        json.dumps({**started, "message": {"text": "another planted text"}}),
        '{"planted": "planted", "planted": 1}',
        '"planted',
        b"\xff planted",
    ):
        assert api.send("POST", "/v1/decisions", refusal, platform).status_code in {400, 409}
    contact = quote(PERSON["email"])
    for query in (f"?contact={contact}", f"?planted={contact}", "?from=planted"):
        api.send("GET", f"{ACME}/ledger/entries{query}", token=auditor)
    api.send("GET", f"{ACME}/decisions/planted%40example.com", token=auditor)
    api.send("GET", "/v1/workspaces/planted/policy", token=f"key-planted.{PLANTED}")
    api.send("GET", "/readyz", **{"X-Request-Id": PERSON["email"], "User-Agent": PLANTED})


def test_log_from_info_level_on_has_no_personal_data(api: Api, log: LogOutput) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.INFO)
    send_personal_requests(api)
    assert len(log.lines) > 12
    assert PLANTED not in log.getvalue().lower()


def test_internal_error_is_logged_with_its_calls_and_without_its_values(
    api: Api, log: LogOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages and values of errors may contain a part of an event: `KeyError: 'planted'`."""

    def fail(_: object) -> None:
        try:
            dict[str, str]()["planted"]
        except KeyError as error:
            raise ValueError("planted text") from error

    api.get(f"{ACME}/policy", Role.PLATFORM)  # which writes that the key is used
    monkeypatch.setattr(type(api.store), "transact", lambda _, work, _about: fail(work))
    response = api.post("/v1/decisions", event(contact=PERSON), Role.PLATFORM)
    assert response.status_code == 500
    assert PLANTED not in response.text + log.getvalue().lower()
    _, failure, request = log.lines
    assert (failure["level"], failure["message"]) == ("error", "internal error")
    assert failure["request"] == request["request"] == response.headers["X-Request-Id"]
    assert [error["type"] for error in failure["errors"]] == ["ValueError", "KeyError"]
    calls = failure["errors"][0]["calls"]
    assert re.search(r"api/resources/decisions\.py:\d+ decide_event$", calls[-3])
    assert calls[-1].endswith(" fail")


@pytest.mark.parametrize("body", ["a", "req-1", "A.b_c-9", "x" * 64])
def test_valid_request_id_of_the_caller_is_kept(shared: Api, log: LogOutput, body: str) -> None:
    response = shared.send("GET", "/readyz", **{"X-Request-Id": body})
    assert response.headers["X-Request-Id"] == body
    assert log.lines[0]["request"] == body


@pytest.mark.parametrize(
    "body", ["", " ", "x" * 65, "a b", "a@example.com", "\x7f", "é", '"', "1;2"]
)
def test_invalid_request_id_is_replaced_by_a_new_one(shared: Api, body: str) -> None:
    ids = {
        shared.send("GET", "/readyz", **{"X-Request-Id": body}).headers["X-Request-Id"]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", identity) for identity in ids)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_log_level_setting_applies_to_both_loggers(level: str) -> None:
    loggers = json_logs.logging_config(level)["loggers"]
    assert {name: logger["level"] for name, logger in loggers.items()} == {
        "policy_service": level.upper(),
        "_granian": level.upper(),
    }


def test_requests_are_not_logged_at_warning_level(shared: Api, log: LogOutput) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.WARNING)
    shared.send("GET", "/readyz")
    assert log.lines == []


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", f"{ACME}/policy", "/x"])
def test_every_response_has_the_security_headers(shared: Api, path: str) -> None:
    for response in (shared.get(path), shared.send("POST", path, b"{}")):
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        assert "Server" not in response.headers


def log_in_process(program: str) -> list[str]:
    """Return the messages that a process logs until its end.

    Since Python 3.12 a fork of a process with threads warns, as the libraries that fork do not.
    """
    begin = "import logging, os\nfrom policy_service.observability import json_logs"
    begin = f"{begin}\njson_logs.configure_logging('info')"
    ours = "ours = logging.getLogger('policy_service.test')"
    source = f"{begin}\n{ours}\n{program}"
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", source],
        capture_output=True,
        check=False,
        timeout=60,
        text=True,
    )
    return [json.loads(line)["message"] for line in ran.stderr.splitlines()]


def test_all_lines_are_written_in_order_before_the_process_ends() -> None:
    program = "for n in range(2000): ours.info('%d', n)"
    assert log_in_process(program) == [str(number) for number in range(2000)]


def test_error_is_written_before_its_process_can_die() -> None:
    program = "ours.info('fine'); ours.error('grave'); os._exit(1)"
    assert log_in_process(program) == ["fine", "grave"]


def test_forked_process_writes_its_lines() -> None:
    program = """
        ours.info('parent')
        logging.shutdown()
        if not os.fork():
            ours.info('child')
            logging.shutdown()
            os._exit(0)
        os.wait()
        ours.info('parent again')
    """
    assert log_in_process(dedent(program)) == ["parent", "child", "parent again"]


def test_forked_process_writes_when_its_parent_held_the_locks() -> None:
    """The thread that held the locks does not exist in the child."""
    program = """
        [handler] = logging.getLogger().handlers
        with handler.lock, handler._stream.lock:
            child = os.fork()
            if not child:
                ours.error('child')
                os._exit(0)
        os.waitpid(child, 0)
    """
    assert log_in_process(dedent(program)) == ["child"]


@pytest.mark.parametrize("held", ["handler.lock", "handler._stream.lock"])
def test_fork_during_logging_blocks_neither_process(held: str) -> None:
    program = f"""
        ours.info('parent')
        [handler] = logging.getLogger().handlers
        with {held}:
            child = os.fork()
            if not child:
                ours.info('child')
                logging.shutdown()
                os._exit(0)
        os.waitpid(child, 0)
    """
    assert sorted(log_in_process(dedent(program))) == ["child", "parent"]


def test_line_after_shutdown_of_logging_is_written() -> None:
    program = "ours.error('early'); logging.shutdown(); ours.info('late'); os._exit(0)"
    assert log_in_process(program) == ["early", "late"]


def test_record_is_formatted_in_columns_for_a_terminal() -> None:
    record = logging.LogRecord("policy_service.request", logging.INFO, "", 0, "request", (), None)
    record.created = 0.25
    record.members = {"method": "GET", "route": "/readyz", "status": 200, "key": None}
    assert json_logs.LineFormatter(columns=True).format(record) == (
        "00:00:00.250Z  info     request         request  method=GET  route=/readyz  status=200"
    )


def test_error_is_formatted_with_its_calls_for_a_terminal() -> None:
    with pytest.raises(ValueError, match=PLANTED) as raised:
        int(PLANTED)
    failure = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("policy_service", logging.ERROR, "", 0, "failed", (), failure)
    first, kind, call = json_logs.LineFormatter(columns=True).format(record).splitlines()
    assert first.endswith("  error    policy_service  failed")
    assert kind == "  ValueError"
    assert re.fullmatch(
        rf"    {re.escape(__file__)}:\d+ test_error_is_formatted_with_its_calls.*", call
    )


def test_columns_escape_control_characters_of_a_value() -> None:
    """A value of a client neither begins a line nor moves the cursor of the terminal."""
    record = logging.LogRecord("policy_service.request", logging.DEBUG, "", 0, "GET", None, None)
    record.members = {"path": "/x\nforged\x1b[2J"}
    line = json_logs.LineFormatter(columns=True).format(record)
    assert line.splitlines() == [line]
    assert "\x1b" not in line


def test_log_has_columns_when_standard_error_is_a_terminal() -> None:
    """A pseudo-terminal is a terminal; all other tests here read JSON from a pipe."""
    main, follower = os.openpty()
    source = "import logging\nfrom policy_service.observability import json_logs\n"
    source += (
        "json_logs.configure_logging('info'); logging.getLogger('policy_service').info('hello')"
    )
    subprocess.run([sys.executable, "-c", source], stderr=follower, check=True, timeout=60)
    os.close(follower)
    assert os.read(main, 1000).endswith(b"info     policy_service  hello\r\n")
    os.close(main)


def test_warning_of_granian_about_default_threads_is_dropped() -> None:
    program = """
        granian = logging.getLogger('_granian')
        granian.warning('Configuration allows spawning up to 32 Python threads, which seems high')
        granian.warning('Unexpected')
    """
    assert log_in_process(dedent(program)) == ["Unexpected"]
