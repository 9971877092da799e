"""Clients that generators make from the description: they decide an event on a real server."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.policy_service.api_client import event
from tests.policy_service.openapi_description import description
from tests.served import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.served import Server

TYPESCRIPT = ("openapi-typescript", "tsc", "node")
CONFIG = {
    "content_type_overrides": {"application/x-ndjson": "application/octet-stream"},
    "post_hooks": [],
}
PYTHON_PROGRAM = """\
import json, sys
from generated import AuthenticatedClient
from generated.api.decisions import decide_event
from generated.models import Decision, Event

url, key = sys.argv[1:]
with AuthenticatedClient(url, key, raise_on_unexpected_status=True) as client:
    decision = decide_event.sync(client=client, body=Event.from_dict(json.load(sys.stdin)))
assert isinstance(decision, Decision), decision
assert decision.outcome.value == "ask"
print(json.dumps(decision.to_dict()))
"""
TYPESCRIPT_PROGRAM = """\
import type { paths } from "./schema";

type Call = paths["/v1/decisions"]["post"];
type Event = Call["requestBody"]["content"]["application/json"];
type Decision = Call["responses"]["200"]["content"]["application/json"];

async function decide(url: string, key: string, event: Event): Promise<Decision> {
  const response = await fetch(`${url}/v1/decisions`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}` },
    body: JSON.stringify(event),
  });
  if (!response.ok) throw new Error(await response.text());
  return (await response.json()) as Decision;
}

declare const process: { argv: string[] };
const [, , url, key] = process.argv;
const event: Event = EVENT;
decide(url, key, event).then((decision) => console.log(JSON.stringify(decision)));
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with served(tmp_path_factory.mktemp("generated") / "data", workers=1, threads=2) as running:
        yield running


@pytest.fixture
def openapi(tmp_path: Path) -> Path:
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(description()), encoding="utf-8")
    return file


def run(folder: Path, *command: str, sent: str = "") -> str:
    """Run a command that must succeed; return its output, with its errors."""
    ended = subprocess.run(
        command,
        cwd=folder,
        input=sent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def test_generated_python_client_decides_an_event(
    server: Server, openapi: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    generator = Path(sys.executable).with_name("openapi-python-client")
    output = run(
        tmp_path,
        *(str(generator), "generate", "--path", openapi.name, "--config", config.name),
        *("--meta", "none", "--output-path", "generated", "--fail-on-warning"),
    )
    assert "warning" not in output.lower()
    url, key = f"http://127.0.0.1:{server.port}", server.keys["platform"]
    sent = json.dumps(event("ev-python"))
    printed = run(tmp_path, sys.executable, "-c", PYTHON_PROGRAM, url, key, sent=sent)
    assert json.loads(printed)["event"] == "ev-python"


@pytest.mark.skipif(
    not all(map(shutil.which, TYPESCRIPT)),
    reason=f"not all on the PATH: {', '.join(TYPESCRIPT)} (npm install --global"
    " openapi-typescript typescript)",
)
def test_generated_typescript_types_describe_an_event_and_its_decision(
    server: Server, openapi: Path, tmp_path: Path
) -> None:
    output = run(tmp_path, "openapi-typescript", openapi.name, "--output", "schema.ts")
    assert "warn" not in output.lower()
    program = TYPESCRIPT_PROGRAM.replace(
        "EVENT", json.dumps(event("ev-typescript", conversation={"id": "c-typescript"}))
    )
    (tmp_path / "program.ts").write_text(program, encoding="utf-8")
    run(tmp_path, "tsc", "--strict", "--target", "es2022", "program.ts")
    url, key = f"http://127.0.0.1:{server.port}", server.keys["platform"]
    decision = json.loads(run(tmp_path, "node", "program.js", url, key))
    assert (decision["event"], decision["outcome"]) == ("ev-typescript", "ask")
