"""The scenarios over HTTP: a document for each of them published as an admin would."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from rules.model import builtin
from tests.folders import SHARED
from tests.policy_service.api_client import open_api
from tests.scenarios.runner import load, own_scenarios, run
from tests.served import Answer, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.policy_service.api_client import Api, KeyedLedger
    from tests.scenarios.runner import Scenario

    Post = Callable[[str, str, Any], Any]

SAMPLES = SHARED / "scenarios" / "routing.yaml"


class Workspaces:
    """A workspace for each document; the service is asked by `post(role, path, body)`."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._names: dict[str, str] = {}

    def decide(self, event: dict[str, Any]) -> dict[str, Any]:
        decision: dict[str, Any] = self._post("platform", "/v1/decisions", event)
        return decision

    def under(self, document: dict[str, Any]) -> str:
        """The workspace on which the document decides; the built-in one needs no publishing."""
        written = json.dumps(document, sort_keys=True)
        if written not in self._names:
            self._names[written] = f"w-{len(self._names)}"
            if document != builtin.load_tree():
                self._publish(document, f"/v1/workspaces/{self._names[written]}/versions")
        return self._names[written]

    def _publish(self, document: dict[str, Any], path: str) -> None:
        proposed = self._post("author", path, {"document": document})
        version = f"{path}/{proposed['version']}"
        self._post("approver", f"{version}/approve", {"digest": proposed["digest"]})
        self._post("approver", f"{version}/activate", {})

    def run(self, scenarios: Iterable[Scenario]) -> None:
        for scenario in scenarios:
            run(scenario, self.decide, self.under(scenario.document))


@pytest.fixture(scope="module")
def workspaces(
    first: KeyedLedger, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Workspaces]:
    with open_api(first, tmp_path_factory.mktemp("scenarios") / "data") as api:
        yield Workspaces(poster(api))


def poster(api: Api) -> Post:
    def post(role: str, path: str, body: Any) -> Any:
        answered = api.client.post(
            path, json=body, headers={"Authorization": f"Bearer {api.tokens[role]}"}
        )
        assert answered.status_code in {200, 201}, answered.text
        return answered.get_json()

    return post


def shared_scenarios() -> list[Scenario]:
    if not SAMPLES.exists():
        pytest.skip("the shared scenarios are not beside this checkout")
    return load(SAMPLES)


def test_service_decides_each_scenario(workspaces: Workspaces) -> None:
    """But for office hours: a document that sets some is refused as long as they are not kept."""
    workspaces.run(s for s in own_scenarios() if not s.settings.get("office_hours"))


def test_service_decides_each_shared_scenario(workspaces: Workspaces) -> None:
    workspaces.run(shared_scenarios())


def test_running_server_decides_each_shared_scenario(tmp_path: Path) -> None:
    """With several processes behind one port, each of which may get any of the events."""
    scenarios = shared_scenarios()
    with served(tmp_path / "data") as server:

        def post(role: str, path: str, body: Any) -> Any:
            with server.client(role) as client:
                answer: Answer = client.request("POST", path, json.dumps(body).encode())
            assert answer.status in {200, 201}, answer.body
            return answer.json

        Workspaces(post).run(scenarios)
