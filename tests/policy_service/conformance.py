"""Valid and invalid requests generated from the OpenAPI description, and checks of the answers.

schemathesis makes them from the examples, from the bounds of every schema, at random, and in
sequences in which a call uses the answer of an earlier call.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from zlib import crc32

import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, PhaseFinished, ScenarioFinished
from schemathesis.transport.wsgi import WSGITransport

from policy_service.access.keys import Keyring, Role
from policy_service.api.media import NDJSON
from rules.formats.strict_json import MAX_SAFE_INTEGER
from tests.policy_service.openapi_description import description

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import AuthContext, Case, HookContext, SerializationContext
    from schemathesis.engine.recorder import ScenarioRecorder
    from schemathesis.schemas import BaseSchema

    from policy_service.access.keys import Key
    from tests.policy_service.api_client import Api

SEED = 6962
OF_SOCKETS = ("max_redirects", "verify", "cert")
"""Settings that schemathesis 4.32 passes with a request, and that need a socket."""

UNTESTABLE = {
    "POST /v1/decisions/batch": (
        "negative_data_rejection",
        "Any text is a batch: a line that is no event gets its problem in its place.",
    ),
}
"""Checks that are switched off, each for one call, with the reason."""
REFUSING = {
    "POST /v1/keys": ("400", "No schema says which moment is still to come."),
    "POST /v1/workspaces/{workspace}/versions/{number}/activate": (
        "400",
        "No schema says which moment is still to come.",
    ),
    "POST /v1/workspaces/{workspace}/versions": ("422", "A document is more than its JSON."),
    "PUT /v1/workspaces/{workspace}/guardrails": ("422", "A property is more than its JSON."),
    "POST /v1/decisions/dry-run": ("422", "It may carry a document, which is more than its JSON."),
    "POST /v1/workspaces/{workspace}/replays": (
        "422",
        "It may carry a document, which is more than its JSON.",
    ),
    "GET /v1/workspaces/{workspace}/ledger/consistency": (
        "400",
        "No schema says that one number is no more than another.",
    ),
}
"""Calls that may refuse a body that their schema allows: the status and the reason."""
POSITIVE = ("2xx", "401", "403", "404", "409")
"""Statuses allowed for a valid request; some ids in it belong to nothing."""


@dataclass
class Outcome:
    """The result of a run."""

    findings: list[str] = field(default_factory=list)
    """Descriptions of failed checks and errors."""
    answered: Counter[tuple[str, int]] = field(default_factory=Counter)
    """The number of answers by call and status."""
    ended: list[str] = field(default_factory=list)
    """The phases that ended."""


@dataclass
class Keys:
    """Two valid keys per role; a key that a run revoked is replaced."""

    api: Api

    def __post_init__(self) -> None:
        self._keyring = Keyring()
        self._of_role: dict[tuple[Role, int], tuple[Key, str]] = {}

    def token(self, role: Role, which: int) -> str:
        store = self.api.store
        current = self._of_role.get((role, which))
        with store.read() as snapshot:
            lives = current and self._keyring.is_current(snapshot, current[0], store.now())
        if current is None or not lives:
            current = self._of_role[role, which] = self.api.new_key(role)
        return current[1]


def conform(api: Api, most: int) -> Outcome:
    """Try every call with at most `most` random examples; return the result."""
    config = SchemathesisConfig.from_dict(_config(most))
    app = api.client.application
    with _in_process():
        schema = schemathesis.openapi.from_dict(deepcopy(description()), config=config)
        schema.app = app
        _authenticate(schema, Keys(api))
        schema.hook("filter_body")(_is_i_json)
        outcome = Outcome()
        for event in from_schema(schema).execute():
            match event:
                case ScenarioFinished(recorder=recorder):
                    _record(recorder, outcome)
                case PhaseFinished(phase=phase):
                    outcome.ended.append(phase.name.value)
                case NonFatalError(value=error, label=label):
                    outcome.findings.append(f"{label}: {error!r}")
                case FatalError(exception=error):
                    outcome.findings.append(f"the run ended: {error!r}")
    return outcome


def _config(most: int) -> dict[str, Any]:
    left_out = [
        {"include-name": call, "checks": {check: {"enabled": False}}}
        for call, (check, _) in UNTESTABLE.items()
    ]
    refusing = [
        {
            "include-name": call,
            "checks": {"positive_data_acceptance": {"expected-statuses": [*POSITIVE, status]}},
        }
        for call, (status, _) in REFUSING.items()
    ]
    return {
        "seed": SEED,
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "generation": {"max-examples": most, "deterministic": True, "database": "none"},
        "phases": {"coverage": {"generate-duplicate-query-parameters": True}},
        "checks": {
            "not_a_server_error": {"expected-statuses": ["2xx", "4xx"]},
            "positive_data_acceptance": {"expected-statuses": list(POSITIVE)},
        },
        "operations": [*left_out, *refusing],
    }


def _authenticate(schema: BaseSchema, keys: Keys) -> None:
    @schema.auth(refresh_interval=None)
    class OneOfTheRoles:
        """A key of a role that the description allows, chosen by the content of the request."""

        def get(self, case: Case[Any], _: AuthContext) -> str | None:
            security = case.operation.definition.raw["security"]
            roles = [role for each in security for role in each["key"]]
            if not roles:
                return None
            said = repr((case.path_parameters, case.query, case.body))
            which, choice = divmod(crc32(said.encode(errors="replace")), len(roles))
            return keys.token(Role(roles[choice]), which % 2)

        def set(self, case: Case[Any], token: str, _: AuthContext) -> None:
            case.headers["Authorization"] = f"Bearer {token}"


def _record(recorder: ScenarioRecorder, outcome: Outcome) -> None:
    for case, interaction in recorder.interactions.items():
        if answered := interaction.response:
            call = recorder.cases[case].value.operation.label
            outcome.answered[call, answered.status_code] += 1
    for case, checks in recorder.checks.items():
        answered = recorder.interactions[case].response
        for check in checks:
            if found := check.failure_info:
                summary = (recorder.label, check.name, found.failure.message)
                body = answered.text if answered else "no answer"
                outcome.findings.append("\n".join((*summary, found.code_sample, body)))


def _is_i_json(_: HookContext, body: Any) -> bool:
    """Return True if no integer is too large for I-JSON, which no schema expresses."""
    if isinstance(body, dict | list):
        members = body.values() if isinstance(body, dict) else body
        return all(_is_i_json(_, member) for member in members)
    return not isinstance(body, int) or abs(body) <= MAX_SAFE_INTEGER


@contextmanager
def _in_process() -> Iterator[None]:
    send = WSGITransport.send

    def sent(self: WSGITransport, case: Case[Any], **more: Any) -> Any:
        return send(self, case, **{k: v for k, v in more.items() if k not in OF_SOCKETS})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WSGITransport, "send", sent)
        yield


schemathesis.openapi.format(
    "printable", st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "))
)


@schemathesis.serializer(NDJSON)
def _lines(_: SerializationContext, value: Any) -> bytes:
    return str(value).encode(errors="replace")
