"""The service does what its description says of it, whatever is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.depth import DEPTH
from tests.policy_service.conformance import conform
from tests.policy_service.openapi_description import description

if TYPE_CHECKING:
    from tests.policy_service.api_client import Api


def test_service_conforms_to_its_description(api: Api) -> None:
    """Good requests and bad ones, of every call, with the key that it asks for."""
    outcome = conform(api, most=5 * DEPTH)
    assert outcome.findings == [], "\n\n".join(outcome.findings)
    assert outcome.ended[-4:] == ["examples", "coverage", "fuzzing", "stateful"]
    calls = [f"{m.upper()} {path}" for path, of in description()["paths"].items() for m in of]
    good = {call for call, status in outcome.answered if status < 400}
    assert sorted(set(calls) - good) == []
