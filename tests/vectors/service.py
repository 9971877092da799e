"""The service over a folder: its HTTP interface and its command line, both in this process."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from policy_service.app import create_app
from policy_service.cli import main
from policy_service.settings import Settings
from tests.vectors.pinned import SIGNING_KEY, STORED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from freezegun.api import FrozenDateTimeFactory
    from werkzeug.test import TestResponse

Tokens = dict[str, str]
"""A key for each role, under the name of the role."""


class Service:
    """A client of the service. The clock advances a second before each request."""

    def __init__(self, folder: Path, tokens: Tokens, clock: FrozenDateTimeFactory) -> None:
        self.tokens = dict(tokens)
        self.clock = clock
        self._app = create_app(Settings(data=folder))
        self._client = self._app.test_client()

    def request(self, role: str, method: str, path: str, body: object = None) -> TestResponse:
        """Send a request; the body is NDJSON if it is a text, otherwise it is sent as JSON."""
        self.clock.tick(1)
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        if isinstance(body, str):
            headers["Content-Type"] = "application/x-ndjson"
        data = body if body is None or isinstance(body, str) else json.dumps(body)
        return self._client.open(path, method=method, data=data, headers=headers)

    def send(self, role: str, method: str, path: str, body: object = None) -> Any:
        """Send a request that must succeed; return the JSON of the response."""
        response = self.request(role, method, path, body)
        assert response.status_code in {200, 201}, f"{method} {path}: {response.text}"
        return response.get_json()

    def text(self, role: str, path: str) -> str:
        """Return the text that a GET request must give."""
        response = self.request(role, "GET", path)
        assert response.status_code == 200, f"{path}: {response.text}"
        return response.text

    def close(self) -> None:
        """Stop the service and close its store."""
        service = self._app.extensions["policy_service"]
        service.stop()
        service.store.close()


@contextmanager
def open_service(folder: Path, tokens: Tokens, clock: FrozenDateTimeFactory) -> Iterator[Service]:
    """Open the service over a folder, and close it at the end."""
    service = Service(folder, tokens, clock)
    try:
        yield service
    finally:
        service.close()


def command(*arguments: str | Path, given: str = "") -> str:
    """Run a command that must succeed; return its standard output."""
    result = CliRunner().invoke(main, [os.fspath(each) for each in arguments], input=given)
    assert result.exit_code == 0, result.output
    return result.stdout


def init_ledger(folder: Path) -> Tokens:
    """Make a ledger with the stored signing key and a key for each role."""
    folder.mkdir()
    shutil.copy(STORED / SIGNING_KEY, folder)
    tokens: Tokens = json.loads(command("init", "--data", folder, "--json"))["keys"]
    return tokens
