"""A typed client of the service that retries and never decides or proposes twice.

The id of an event makes a retry safe: a decision without a complete answer is requested again, a
few times with growing pauses, and the ledger holds it once. A proposal could be entered twice, so
it is sent again only if an answer states that nothing was written.

    client = Client("http://127.0.0.1:8000", key)
    decision = client.decide(event)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, cast
from urllib.parse import quote, urlencode

import orjson
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from policy_service.client_types import (
        ActionStateView,
        ApprovalsView,
        DecisionView,
        DiffView,
        DirectoryView,
        DryRunView,
        ErrorView,
        ExplanationView,
        GuardrailsView,
        LedgerEntryView,
        PolicyView,
        ProblemView,
        StoryEventView,
        VersionView,
        VersionWithDocumentView,
    )
    from rules.model.event import Event

MAX_TRIES = 5
"""Maximum number of times that a request is sent."""
PAUSE = 0.1
"""Seconds before the second try, doubled before each later one. `Retry-After` takes precedence."""
MAX_PAUSE = 10.0

_RETRY_STATUSES = (429, 503)


class RefusedRequestError(Exception):
    """An answer of the service that is a problem (RFC 9457); `code` is stable."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.problem = problem
        self.status: int = problem["status"]
        self.code: str = problem["code"]
        self.detail: str = problem["detail"]
        self.errors: list[ErrorView] = problem.get("errors", [])


class NoAnswerError(Exception):
    """A request without a complete answer after all tries. It may have been carried out."""


class Client:
    """A client with one key. Threads may share it. Close it, or use it as a context manager."""

    def __init__(self, url: str, key: str, *, timeout: float = 10.0) -> None:
        """Create a client; `timeout` is in seconds, for connecting and for each read."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._pool = PoolManager(maxsize=64, timeout=Timeout(timeout))

    def decide(self, event: Event | Mapping[str, Any]) -> DecisionView:
        """Return the decision on an event; the same event always gets the same decision."""
        return cast("DecisionView", self._request_json("POST", "/v1/decisions", event))

    def decide_all(
        self, events: Iterable[Event | Mapping[str, Any]]
    ) -> list[DecisionView | ProblemView]:
        """Yield the decision on each of up to 5,000 events, in order, or its problem."""
        lines = b"".join(orjson.dumps(event) + b"\n" for event in events)
        answer = self._request_bytes("POST", "/v1/decisions/batch", lines, "application/x-ndjson")
        return [orjson.loads(line) for line in answer.splitlines()]

    def dry_run(self, event: Event | Mapping[str, Any], **supposed: Any) -> DryRunView:  # noqa: ANN401 - stage, asks, version or document
        """Return the decision that would be made; nothing is written."""
        body = {"event": event, **supposed}
        return cast("DryRunView", self._request_json("POST", "/v1/decisions/dry-run", body))

    def get_decision(self, workspace: str, event: str) -> DecisionView:
        """Return the decision that was made on an event."""
        return cast("DecisionView", self._request_json("GET", _decision_path(workspace, event)))

    def get_explanation(self, workspace: str, event: str) -> ExplanationView:
        """Return the facts of a decision, and every rule up to the one that matched."""
        path = f"{_decision_path(workspace, event)}/explanation"
        return cast("ExplanationView", self._request_json("GET", path))

    def list_story(self, workspace: str, conversation: str) -> Iterator[StoryEventView]:
        """Return the story of a conversation, event by event."""
        path = f"{_workspace_path(workspace)}/conversations/{quote(conversation, safe='')}"
        return cast("Iterator[StoryEventView]", self._iterate_pages(path, {}))

    def list_actions(self, workspace: str, *statuses: str) -> Iterator[ActionStateView]:
        """Return the actions with these statuses, or all actions."""
        parameters = {"status": ",".join(statuses)} if statuses else {}
        return cast(
            "Iterator[ActionStateView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/actions", parameters),
        )

    def send_receipt(
        self, workspace: str, action: str, status: str, detail: str | None = None
    ) -> ActionStateView:
        """Report an action as `delivered` or `failed`. The same receipt twice is safe."""
        body = {"status": status, "detail": detail}
        path = f"{_workspace_path(workspace)}/actions/{quote(action, safe='')}/receipt"
        return cast("ActionStateView", self._request_json("POST", path, body))

    def retry_action(self, workspace: str, action: str) -> ActionStateView:
        """Make a failed action pending again."""
        path = f"{_workspace_path(workspace)}/actions/{quote(action, safe='')}/retry"
        return cast("ActionStateView", self._request_json("POST", path))

    def get_policy(self, workspace: str) -> PolicyView:
        """Return the active version with its document."""
        return cast("PolicyView", self._request_json("GET", f"{_workspace_path(workspace)}/policy"))

    def list_versions(self, workspace: str) -> Iterator[VersionView]:
        """Return every version, in the order of their numbers."""
        return cast(
            "Iterator[VersionView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/versions", {}),
        )

    def get_version(self, workspace: str, number: int) -> VersionWithDocumentView:
        """Return a version with its document."""
        path = f"{_workspace_path(workspace)}/versions/{number}"
        return cast("VersionWithDocumentView", self._request_json("GET", path))

    def get_diff(self, workspace: str, number: int, against: int | None = None) -> DiffView:
        """Return the differences of a version from another one, or from the active version."""
        query = "" if against is None else f"?against={against}"
        path = f"{_workspace_path(workspace)}/versions/{number}/diff{query}"
        return cast("DiffView", self._request_json("GET", path))

    def propose(
        self,
        workspace: str,
        document: Mapping[str, Any] | str,
        note: str | None = None,
        *,
        supersede: bool = False,
    ) -> VersionView:
        """Propose a document, given as JSON or as YAML text.

        The document of the newest proposed or approved version returns that version. `supersede`
        replaces another proposal that is still open.
        """
        body = {"document": document, "note": note, "supersede": supersede}
        return cast(
            "VersionView",
            self._request_json("POST", f"{_workspace_path(workspace)}/versions", body, once=True),
        )

    def approve(self, workspace: str, number: int, digest: str) -> VersionView:
        """Approve the version with this digest."""
        return self._post_step(workspace, number, "approve", {"digest": digest})

    def reject(self, workspace: str, number: int, reason: str) -> VersionView:
        """Reject a proposed version."""
        return self._post_step(workspace, number, "reject", {"reason": reason})

    def activate(self, workspace: str, number: int, **options: Any) -> VersionView:  # noqa: ANN401 - at, percent, shadow, apply_to_running
        """Activate a version; by default now and for all conversations."""
        return self._post_step(workspace, number, "activate", options)

    def unschedule(self, workspace: str, number: int) -> VersionView:
        """Cancel the scheduled activation of a version."""
        path = f"{_workspace_path(workspace)}/versions/{number}/schedule"
        return cast("VersionView", self._request_json("DELETE", path, once=True))

    def get_approvals(self, workspace: str) -> ApprovalsView:
        """Return the number of approvals that a version needs before its first activation."""
        return cast(
            "ApprovalsView", self._request_json("GET", f"{_workspace_path(workspace)}/approvals")
        )

    def require_approvals(self, workspace: str, count: int, reason: str) -> ApprovalsView:
        """Set the number of required approvals. The current number changes nothing."""
        body = {"count": count, "reason": reason}
        return cast(
            "ApprovalsView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/approvals", body),
        )

    def get_guardrails(self, workspace: str) -> GuardrailsView:
        """Return the properties that every proposal must have."""
        return cast(
            "GuardrailsView", self._request_json("GET", f"{_workspace_path(workspace)}/guardrails")
        )

    def set_guardrails(
        self, workspace: str, properties: Sequence[Mapping[str, Any]], reason: str
    ) -> GuardrailsView:
        """Set the properties of every later proposal. The current properties change nothing."""
        body = {"properties": properties, "reason": reason}
        return cast(
            "GuardrailsView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/guardrails", body),
        )

    def get_directory(self, workspace: str) -> DirectoryView:
        """Return the teams, teammates and tags that the platform has sent."""
        return cast(
            "DirectoryView", self._request_json("GET", f"{_workspace_path(workspace)}/directory")
        )

    def replace_directory(
        self, workspace: str, lists: Mapping[str, Sequence[str] | None]
    ) -> DirectoryView:
        """Replace the directory. The current directory changes nothing.

        A kind of names that is left out is not checked from then on.
        """
        return cast(
            "DirectoryView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/directory", lists),
        )

    def list_entries(self, workspace: str, **filters: str | int) -> Iterator[LedgerEntryView]:
        """Return the entries that match the filters, in order; write `from_` for `from`."""
        parameters = {name.rstrip("_"): value for name, value in filters.items()}
        return cast(
            "Iterator[LedgerEntryView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/ledger/entries", parameters),
        )

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _post_step(
        self, workspace: str, number: int, step: str, body: Mapping[str, Any]
    ) -> VersionView:
        path = f"{_workspace_path(workspace)}/versions/{number}/{step}"
        return cast("VersionView", self._request_json("POST", path, body, once=True))

    def _iterate_pages(self, path: str, parameters: Mapping[str, str | int]) -> Iterator[Any]:
        after: str | None = None
        while True:
            query = urlencode(parameters if after is None else {**parameters, "after": after})
            page = self._request_json("GET", f"{path}?{query}")
            yield from page["items"]
            after = page["next"]
            if after is None:
                return

    def _request_json(
        self, method: str, path: str, body: object | None = None, *, once: bool = False
    ) -> Any:  # noqa: ANN401 - any JSON value
        sent = None if body is None else orjson.dumps(body)
        return _parse_json(self._request_bytes(method, path, sent, "application/json", once=once))

    def _request_bytes(
        self, method: str, path: str, body: bytes | None, media: str, *, once: bool = False
    ) -> bytes:
        try:
            response = self._pool.request(
                method,
                self._url + path,
                body=body,
                headers={**self._headers, "Content-Type": media},
                retries=_retry_policy(once=once),
                redirect=False,
            )
        except HTTPError as error:
            reason = type(getattr(error, "reason", None) or error).__name__
            address = path.partition("?")[0]
            raise NoAnswerError(
                f"{method} {address}: {reason}"
            ) from None  # its words hold the query
        if response.status >= 400:  # noqa: PLR2004 - HTTP's own line
            raise RefusedRequestError(_parse_json(response.data))
        return response.data


def _retry_policy(*, once: bool) -> Retry:
    """Return the policy of retries; with `once`, no retry after a request that may have arrived."""
    return Retry(
        total=MAX_TRIES - 1,
        read=0 if once else None,
        other=0 if once else None,
        status_forcelist=_RETRY_STATUSES,
        allowed_methods=None,
        backoff_factor=PAUSE,
        backoff_max=MAX_PAUSE,
        backoff_jitter=PAUSE,
        raise_on_status=False,
    )


def _parse_json(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NoAnswerError(
            "the answer is not JSON: something else answers at this address"
        ) from error


def _decision_path(workspace: str, event: str) -> str:
    return f"{_workspace_path(workspace)}/decisions/{quote(event, safe='')}"


def _workspace_path(workspace: str) -> str:
    return f"/v1/workspaces/{quote(workspace, safe='')}"
