"""What is logged: one JSON line a request, every failure of ours, and nobody's personal data."""

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


class Said(StringIO):
    """What was logged."""

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


@pytest.fixture
def said() -> Iterator[Said]:
    """All that is logged by anyone, as the service writes it, from the least grave on."""
    said = Said()
    handler = logging.StreamHandler(said)
    handler.setFormatter(json_logs.LineFormatter(columns=False))
    root, ours = logging.getLogger(), logging.getLogger(json_logs.LOGGER_NAME)
    before = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield said
    root.removeHandler(handler)
    root.setLevel(before[0])
    ours.setLevel(before[1])


def test_a_request_is_one_line(api: Api, said: Said) -> None:
    answered = api.post("/v1/decisions", event(), Role.PLATFORM)
    [line] = said.lines
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("at"))
    assert line.pop("ms") >= 0
    assert line == {
        "level": "info",
        "logger": "policy_service.request",
        "message": "request",
        "request": answered.headers["X-Request-Id"],
        "method": "POST",
        "route": "/v1/decisions",
        "status": 200,
        "bytes": len(answered.data),
        "key": api.keys[Role.PLATFORM].id,
    }


def test_a_route_is_logged_as_its_template_and_what_is_none_as_none(api: Api, said: Said) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.INFO)
    api.get(f"{ACME}/decisions/ev-1")
    api.send("GET", "/v1/planted")
    api.send("PLANTED", "/readyz")
    members = ("method", "route", "status", "key")
    assert [tuple(line[member] for member in members) for line in said.lines] == [
        (
            "GET", "/v1/workspaces/{workspace}/decisions/{event}", 404,
            api.keys[Role.AUDITOR].id,
        ),
        ("GET", "none", 404, None),
        ("other", "none", 405, None),
    ]  # fmt: skip


def test_path_that_is_not_found_is_logged_at_debug_level_only(shared: Api, said: Said) -> None:
    answered = shared.send("GET", "/v1/typo")
    assert "Not found, or this key may not see it" in answered.text
    line, request = said.lines
    assert (line["level"], line["message"], line["path"]) == ("debug", "not found", "/v1/typo")
    assert line["request"] == request["request"]
    assert "/v1/typo" not in request.values()


def test_nothing_is_logged_of_a_look_at_the_health(api: Api, said: Said) -> None:
    assert api.send("GET", "/healthz").status_code == 200
    assert said.lines == []


def personal_requests(api: Api) -> None:
    """Everything that people can be known by, wherever a request may hold it."""
    happened = event(
        "ev-1",
        contact=PERSON,
        message={"text": "planted text"},
        attributes={"planted": "planted value"},
    )
    platform, auditor = api.tokens[Role.PLATFORM], api.tokens[Role.AUDITOR]
    api.decide(happened)
    api.decide({**happened, "id": "ev-2"})
    api.decide(reply("ev-3", "customer", contact=PERSON))
    for refused in (
        json.dumps({**happened, "planted": "planted"}),
        json.dumps({**happened, "type": "planted"}),
        json.dumps({**happened, "message": {"text": "another planted text"}}),
        '{"planted": "planted", "planted": 1}',
        '"planted',
        b"\xff planted",
    ):
        assert api.send("POST", "/v1/decisions", refused, platform).status_code in {400, 409}
    contact = quote(PERSON["email"])
    for query in (f"?contact={contact}", f"?planted={contact}", "?from=planted"):
        api.send("GET", f"{ACME}/ledger/entries{query}", token=auditor)
    api.send("GET", f"{ACME}/decisions/planted%40example.com", token=auditor)
    api.send("GET", "/v1/workspaces/planted/policy", token=f"key-planted.{PLANTED}")
    api.send("GET", "/readyz", **{"X-Request-Id": PERSON["email"], "User-Agent": PLANTED})


def test_no_log_from_info_on_holds_anything_personal(api: Api, said: Said) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.INFO)
    personal_requests(api)
    assert len(said.lines) > 12
    assert PLANTED not in said.getvalue().lower()


def test_a_failure_of_ours_is_logged_with_where_it_was_and_not_with_what_it_held(
    api: Api, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages and values of errors may hold a part of an event: `KeyError: 'planted'`."""

    def fail(_: object) -> None:
        try:
            dict[str, str]()["planted"]
        except KeyError as error:
            raise ValueError("planted text") from error

    api.get(f"{ACME}/policy", Role.PLATFORM)  # which writes that the key is used
    monkeypatch.setattr(type(api.store), "transact", lambda _, work, _about: fail(work))
    answered = api.post("/v1/decisions", event(contact=PERSON), Role.PLATFORM)
    assert answered.status_code == 500
    assert PLANTED not in answered.text + said.getvalue().lower()
    _, failure, request = said.lines
    assert (failure["level"], failure["message"]) == ("error", "internal error")
    assert failure["request"] == request["request"] == answered.headers["X-Request-Id"]
    assert [error["type"] for error in failure["errors"]] == ["ValueError", "KeyError"]
    calls = failure["errors"][0]["calls"]
    assert re.search(r"api/resources/decisions\.py:\d+ decide_event$", calls[-3])
    assert calls[-1].endswith(" fail")


@pytest.mark.parametrize("sent", ["a", "req-1", "A.b_c-9", "x" * 64])
def test_a_request_keeps_the_id_that_it_came_with(shared: Api, said: Said, sent: str) -> None:
    answered = shared.send("GET", "/readyz", **{"X-Request-Id": sent})
    assert answered.headers["X-Request-Id"] == sent
    assert said.lines[0]["request"] == sent


@pytest.mark.parametrize(
    "sent", ["", " ", "x" * 65, "a b", "a@example.com", "\x7f", "é", '"', "1;2"]
)
def test_what_is_no_short_word_is_no_id_of_a_request(shared: Api, sent: str) -> None:
    ids = {
        shared.send("GET", "/readyz", **{"X-Request-Id": sent}).headers["X-Request-Id"]
        for _ in range(3)
    }
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", identity) for identity in ids)


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_the_setting_says_from_which_level_on_is_logged(level: str) -> None:
    loggers = json_logs.logging_config(level)["loggers"]
    assert {name: logger["level"] for name, logger in loggers.items()} == {
        "policy_service": level.upper(),
        "_granian": level.upper(),
    }


def test_from_warnings_on_no_request_is_logged(shared: Api, said: Said) -> None:
    logging.getLogger(json_logs.LOGGER_NAME).setLevel(logging.WARNING)
    shared.send("GET", "/readyz")
    assert said.lines == []


HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/openapi.json", f"{ACME}/policy", "/x"])
def test_every_answer_says_how_it_may_be_used(shared: Api, path: str) -> None:
    for answered in (shared.get(path), shared.send("POST", path, b"{}")):
        assert {name: answered.headers[name] for name in HEADERS} == HEADERS
        assert "Server" not in answered.headers


def logged_by(program: str) -> list[str]:
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


def test_all_lines_are_written_in_their_order_before_the_process_ends() -> None:
    program = "for n in range(2000): ours.info('%d', n)"
    assert logged_by(program) == [str(number) for number in range(2000)]


def test_what_is_grave_is_written_before_its_process_can_die_of_it() -> None:
    program = "ours.info('fine'); ours.error('grave'); os._exit(1)"
    assert logged_by(program) == ["fine", "grave"]


def test_a_process_that_was_forked_writes_too() -> None:
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
    assert logged_by(dedent(program)) == ["parent", "child", "parent again"]


def test_a_fork_at_the_worst_moment_writes_too() -> None:
    """The lock was held by a thread that is not there any more."""
    program = """
        [handler] = logging.getLogger().handlers
        with handler.lock, handler._stream.lock:
            child = os.fork()
            if not child:
                ours.error('child')
                os._exit(0)
        os.waitpid(child, 0)
    """
    assert logged_by(dedent(program)) == ["child"]


@pytest.mark.parametrize("held", ["handler.lock", "handler._stream.lock"])
def test_a_thread_that_logs_during_a_fork_blocks_nobody(held: str) -> None:
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
    assert sorted(logged_by(dedent(program))) == ["child", "parent"]


def test_a_line_after_the_end_of_logging_is_written_too() -> None:
    program = "ours.error('early'); logging.shutdown(); ours.info('late'); os._exit(0)"
    assert logged_by(program) == ["early", "late"]


def test_a_terminal_shows_columns() -> None:
    record = logging.LogRecord("policy_service.request", logging.INFO, "", 0, "request", (), None)
    record.created = 0.25
    record.members = {"method": "GET", "route": "/readyz", "status": 200, "key": None}
    assert json_logs.LineFormatter(columns=True).format(record) == (
        "00:00:00.250Z  info     request         request  method=GET  route=/readyz  status=200"
    )


def test_a_terminal_shows_where_an_error_came_from() -> None:
    with pytest.raises(ValueError, match=PLANTED) as raised:
        int(PLANTED)
    failure = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("policy_service", logging.ERROR, "", 0, "failed", (), failure)
    first, kind, call = json_logs.LineFormatter(columns=True).format(record).splitlines()
    assert first.endswith("  error    policy_service  failed")
    assert kind == "  ValueError"
    assert re.fullmatch(rf"    {re.escape(__file__)}:\d+ test_a_terminal_shows_where.*", call)


def test_standard_error_that_is_a_terminal_gets_columns() -> None:
    """A pseudo-terminal is a terminal; every other test here reads JSON from a pipe."""
    main, follower = os.openpty()
    source = "import logging\nfrom policy_service.observability import json_logs\n"
    source += (
        "json_logs.configure_logging('info'); logging.getLogger('policy_service').info('hello')"
    )
    subprocess.run([sys.executable, "-c", source], stderr=follower, check=True, timeout=60)
    os.close(follower)
    assert os.read(main, 1000).endswith(b"info     policy_service  hello\r\n")
    os.close(main)


def test_granians_advice_on_our_defaults_is_dropped() -> None:
    program = """
        granian = logging.getLogger('_granian')
        granian.warning('Configuration allows spawning up to 32 Python threads, which seems high')
        granian.warning('Unexpected')
    """
    assert logged_by(dedent(program)) == ["Unexpected"]
