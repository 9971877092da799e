"""Metrics: one table, counts over all processes, and labels without personal data."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from policy_service.access.keys import Role
from policy_service.api.request_log import METHODS
from policy_service.api.routes import ROUTES
from policy_service.observability.metrics import METRICS, PROCESS_METRICS
from policy_service.problems import PROBLEMS
from rules.model.vocabulary import Outcome
from tests.folders import ROOT
from tests.policy_service.api_client import ACME, event
from tests.policy_service.observability.test_json_logs import PLANTED, send_personal_requests
from tests.served import Server, made, patiently, served

if TYPE_CHECKING:
    from pathlib import Path

    from tests.policy_service.api_client import Api

OPERATIONS = ROOT / "docs" / "operations.md"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value_of(current: Samples, name: str, **labels: str) -> float:
    return current.get((name, tuple(sorted(labels.items()))), 0)


def read_metrics(api: Api) -> Samples:
    response = api.send("GET", "/metrics")
    assert response.content_type == "text/plain; version=0.0.4; charset=utf-8"
    return samples(response.text)


def test_requests_decisions_and_refusals_are_counted_by_their_labels(api: Api) -> None:
    api.decide(event())
    api.decide(event())
    api.decide(event("ev-2", conversation={"id": "c-2", "direction": "outbound"}))
    api.post("/v1/decisions", {}, Role.PLATFORM)
    api.get("/v1/nowhere")
    current = read_metrics(api)
    requests = "policy_service_requests_total"
    assert value_of(current, requests, route="/v1/decisions", method="POST", status="200") == 3
    assert value_of(current, requests, route="/v1/decisions", method="POST", status="400") == 1
    assert value_of(current, requests, route="none", method="GET", status="404") == 1
    assert value_of(current, "policy_service_request_seconds_count", route="/v1/decisions") == 4
    assert value_of(current, "policy_service_decisions_total", outcome="ask") == 1
    assert value_of(current, "policy_service_decisions_total", outcome="not_triggered") == 1
    assert value_of(current, "policy_service_replays_total") == 1
    assert value_of(current, "policy_service_refusals_total", code="invalid_event") == 1
    assert value_of(current, "policy_service_refusals_total", code="not_found") == 1
    assert value_of(current, "policy_service_workers") == 1
    assert value_of(current, "process_resident_memory_bytes") > 0


def test_commits_are_counted_with_writes_and_seconds(api: Api) -> None:
    """Lines of a batch share one commit; a line refused before it is not a write."""
    api.get(f"{ACME}/policy", Role.PLATFORM)  # which writes that the key is used
    before = read_metrics(api)
    api.decide(event())
    lines = [json.dumps(event(f"e{n}", conversation={"id": f"c{n}"})) for n in range(20)]
    batch = "\n".join([*lines, "{}"])
    headers = {"Content-Type": "application/x-ndjson"}
    api.send("POST", "/v1/decisions/batch", batch, api.tokens["platform"], **headers)
    current = read_metrics(api)

    def more(name: str, **labels: str) -> float:
        name = f"policy_service_commit_{name}"
        return value_of(current, name, **labels) - value_of(before, name, **labels)

    assert (more("writes_count"), more("writes_sum"), more("seconds_count")) == (2, 21, 2)
    assert (more("writes_bucket", le="1.0"), more("writes_bucket", le="16.0")) == (1, 1)
    assert (more("writes_bucket", le="32.0"), more("writes_bucket", le="+Inf")) == (2, 2)
    assert 0 < more("seconds_sum") < 60


def test_ledger_size_metrics_cover_all_logs(api: Api) -> None:
    """A label per workspace would have no bound, so there is one number for all logs."""
    before = read_metrics(api)
    api.decide(event())
    api.decide(event(workspace={"id": "globex"}))
    current = read_metrics(api)
    entries = sum(head.size for head in api.log_heads().values())
    assert value_of(current, "policy_service_ledger_entries") == entries
    bytes_before = value_of(before, "policy_service_ledger_bytes")
    assert value_of(current, "policy_service_ledger_bytes") >= bytes_before > 0


def test_other_metrics_are_served_when_the_ledger_cannot_be_read(api: Api) -> None:
    read_metrics(api)
    api.store.close()
    current = read_metrics(api)
    assert ("policy_service_ledger_bytes", ()) not in current
    assert value_of(
        current, "policy_service_requests_total", route="/metrics", method="GET", status="200"
    )


def test_labels_have_only_values_of_the_code(api: Api) -> None:
    """The number of label values does not grow with contacts, events and workspaces."""
    send_personal_requests(api)
    api.send(PLANTED.upper(), f"{ACME}/policy")
    values = {
        "route": {route.template for route in ROUTES} | {"none"},
        "method": METHODS | {"other"},
        "status": {str(kind.status) for kind in PROBLEMS.values()} | {"200", "201"},
        "code": set(PROBLEMS),
        "outcome": set(Outcome),
    }
    current = read_metrics(api)
    for _, labels in current:
        for label, value in labels:
            assert label in {"le", "version"} or value in values[label], (label, value)
    assert PLANTED not in str(current).lower()


def test_served_metrics_equal_the_table(api: Api) -> None:
    api.decide(event())
    families = {
        family.name: family.documentation
        for family in text_string_to_metric_families(api.send("GET", "/metrics").text)
    }
    ours = {metric.name.removesuffix("_total"): metric.documentation for metric in METRICS}
    assert {name: families[name] for name in ours} == ours
    assert families.keys() - ours.keys() == set(PROCESS_METRICS)


def test_operations_page_lists_every_metric() -> None:
    page = OPERATIONS.read_text(encoding="utf-8")
    section = page.split("\n## Metrics\n")[1].split("\n## ")[0]
    assert [line for line in section.splitlines() if line.startswith("| `")] == [
        f"| `{metric.name}` | {metric.type.__name__.lower()}"
        f" | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.documentation} |"
        for metric in METRICS
    ]


def test_every_process_serves_the_metrics_of_all_processes(tmp_path: Path) -> None:
    """Also for one that was killed: what it value_of stays, and another takes its place."""
    with served(tmp_path / "data") as server:
        events = [json.dumps(event(f"e{n}", conversation={"id": f"c{n}"})) for n in range(40)]
        for told_event in events:
            with server.client() as client:
                assert client.decide(told_event.encode()).status == 200
        for _ in patiently("the second worker is not counted"):
            with server.client(None) as client:
                current = samples(client.get("/metrics").body.decode())
            if value_of(current, "policy_service_workers") == 2:
                break
        assert value_of(current, "policy_service_decisions_total", outcome="ask") == 40
        assert value_of(current, "policy_service_commit_writes_sum") >= 40
        assert value_of(current, "policy_service_ledger_entries") > 40 + len(Role)
        assert value_of(current, "process_open_fds") > 0


def test_counters_start_at_zero_after_a_restart(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", made(tmp_path / "data"))
    for _ in range(2):
        with server, server.client() as client:
            client.decide(json.dumps(event()).encode())
            current = samples(client.get("/metrics").body.decode())
            total = "policy_service_decisions_total"
            replays = value_of(current, "policy_service_replays_total")
            assert value_of(current, total, outcome="ask") + replays == 1


def test_metrics_are_served_when_their_folder_was_deleted(tmp_path: Path) -> None:
    with served(tmp_path / "data") as server, server.client() as client:
        assert client.decide(json.dumps(event()).encode()).status == 200
        shutil.rmtree(tmp_path / "data" / "metrics")
        response = client.get("/metrics")
        assert response.status == 200
        assert value_of(samples(response.body.decode()), "policy_service_ledger_entries") > len(
            Role
        )


@pytest.mark.parametrize("module", ["policy_service.cli.serve", "policy_service.decisions.batch"])
def test_server_modules_do_not_import_prometheus_client_early(module: str) -> None:
    """The library reads the folder from the environment on import, so `serve` sets it before."""
    code = f"import sys, {module}; sys.exit('prometheus_client' in sys.modules)"
    process = subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ))
    assert process.returncode == 0


def test_metric_names_are_valid_for_prometheus() -> None:
    for metric in METRICS:
        assert re.fullmatch(r"policy_service_[a-z_]+", metric.name)
