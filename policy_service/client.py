"""A client of the service, for the platform, compliance and admins: typed, retrying, exactly once.

An event's id makes asking again safe, so a decision that got no whole answer is asked for again, a
few times with growing pauses; the ledger holds it once. What could be entered twice (a proposal) is
sent again only after an answer that says that nothing was written.

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
"""Times that a request is sent at most."""
PAUSE = 0.1
"""Seconds before the second try, doubled before each later one; `Retry-After` goes before it."""
MAX_PAUSE = 10.0

_RETRY_STATUSES = (429, 503)


class RefusedRequestError(Exception):
    """The service answered with a problem (RFC 9457); `code` is stable."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.problem = problem
        self.status: int = problem["status"]
        self.code: str = problem["code"]
        self.detail: str = problem["detail"]
        self.errors: list[ErrorView] = problem.get("errors", [])


class NoAnswerError(Exception):
    """No whole answer came, however often it was tried. What was asked may have been done."""


class Client:
    """Speaks for one key. Safe to share between threads; close it, or use it as a context."""

    def __init__(self, url: str, key: str, *, timeout: float = 10.0) -> None:
        """`timeout` is in seconds, for connecting and for each wait for an answer."""
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {key}"}
        self._pool = PoolManager(maxsize=64, timeout=Timeout(timeout))

    def decide(self, event: Event | Mapping[str, Any]) -> DecisionView:
        """The decision on the event; the same one however often it is asked for."""
        return cast("DecisionView", self._request_json("POST", "/v1/decisions", event))

    def decide_all(
        self, events: Iterable[Event | Mapping[str, Any]]
    ) -> list[DecisionView | ProblemView]:
        """The decision on each of up to 5,000 events in order, or its problem in its place."""
        lines = b"".join(orjson.dumps(event) + b"\n" for event in events)
        answer = self._request_bytes("POST", "/v1/decisions/batch", lines, "application/x-ndjson")
        return [orjson.loads(line) for line in answer.splitlines()]

    def dry_run(self, event: Event | Mapping[str, Any], **supposed: Any) -> DryRunView:  # noqa: ANN401 - stage, asks, version or document
        """What would be decided; nothing is written."""
        body = {"event": event, **supposed}
        return cast("DryRunView", self._request_json("POST", "/v1/decisions/dry-run", body))

    def get_decision(self, workspace: str, event: str) -> DecisionView:
        """The decision that was made on an event."""
        return cast("DecisionView", self._request_json("GET", _decision_path(workspace, event)))

    def get_explanation(self, workspace: str, event: str) -> ExplanationView:
        """Why an event was decided so: its facts, and every rule up to the one that held."""
        path = f"{_decision_path(workspace, event)}/explanation"
        return cast("ExplanationView", self._request_json("GET", path))

    def list_story(self, workspace: str, conversation: str) -> Iterator[StoryEventView]:
        """A conversation's story, event by event."""
        path = f"{_workspace_path(workspace)}/conversations/{quote(conversation, safe='')}"
        return cast("Iterator[StoryEventView]", self._iterate_pages(path, {}))

    def list_actions(self, workspace: str, *statuses: str) -> Iterator[ActionStateView]:
        """The actions with these statuses, or all of them."""
        parameters = {"status": ",".join(statuses)} if statuses else {}
        return cast(
            "Iterator[ActionStateView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/actions", parameters),
        )

    def send_receipt(
        self, workspace: str, action: str, status: str, detail: str | None = None
    ) -> ActionStateView:
        """Say that an action was `delivered`, or that it `failed`; saying it twice is safe."""
        body = {"status": status, "detail": detail}
        path = f"{_workspace_path(workspace)}/actions/{quote(action, safe='')}/receipt"
        return cast("ActionStateView", self._request_json("POST", path, body))

    def retry_action(self, workspace: str, action: str) -> ActionStateView:
        """Have a failed action tried again."""
        path = f"{_workspace_path(workspace)}/actions/{quote(action, safe='')}/retry"
        return cast("ActionStateView", self._request_json("POST", path))

    def get_policy(self, workspace: str) -> PolicyView:
        """The active version and its document."""
        return cast("PolicyView", self._request_json("GET", f"{_workspace_path(workspace)}/policy"))

    def list_versions(self, workspace: str) -> Iterator[VersionView]:
        """Every version, in the order of their numbers."""
        return cast(
            "Iterator[VersionView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/versions", {}),
        )

    def get_version(self, workspace: str, number: int) -> VersionWithDocumentView:
        path = f"{_workspace_path(workspace)}/versions/{number}"
        return cast("VersionWithDocumentView", self._request_json("GET", path))

    def get_diff(self, workspace: str, number: int, against: int | None = None) -> DiffView:
        """What a version says otherwise than another one, or than the active one."""
        query = "" if against is None else f"?against={against}"
        path = f"{_workspace_path(workspace)}/versions/{number}/diff{query}"
        return cast("DiffView", self._request_json("GET", path))

    def propose(
        self, workspace: str, document: Mapping[str, Any] | str, note: str | None = None
    ) -> VersionView:
        """Propose a document, given as JSON or as YAML text."""
        body = {"document": document, "note": note}
        return cast(
            "VersionView",
            self._request_json("POST", f"{_workspace_path(workspace)}/versions", body, once=True),
        )

    def approve(self, workspace: str, number: int, digest: str) -> VersionView:
        """Agree to the version with this digest."""
        return self._post_step(workspace, number, "approve", {"digest": digest})

    def reject(self, workspace: str, number: int, reason: str) -> VersionView:
        return self._post_step(workspace, number, "reject", {"reason": reason})

    def activate(self, workspace: str, number: int, **options: Any) -> VersionView:  # noqa: ANN401 - at, percent, shadow, apply_to_running
        """Let the version decide: for all and from now on, unless it says how else."""
        return self._post_step(workspace, number, "activate", options)

    def get_approvals(self, workspace: str) -> ApprovalsView:
        """How many keys must approve a version before it is activated the first time."""
        return cast(
            "ApprovalsView", self._request_json("GET", f"{_workspace_path(workspace)}/approvals")
        )

    def require_approvals(self, workspace: str, count: int, reason: str) -> ApprovalsView:
        """Say how many from here on; saying what is so already changes nothing."""
        body = {"count": count, "reason": reason}
        return cast(
            "ApprovalsView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/approvals", body),
        )

    def get_guardrails(self, workspace: str) -> GuardrailsView:
        """The properties that every proposal must have."""
        return cast(
            "GuardrailsView", self._request_json("GET", f"{_workspace_path(workspace)}/guardrails")
        )

    def set_guardrails(
        self, workspace: str, properties: Sequence[Mapping[str, Any]], reason: str
    ) -> GuardrailsView:
        """Ask these of every proposal from here on; setting what is set changes nothing."""
        body = {"properties": properties, "reason": reason}
        return cast(
            "GuardrailsView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/guardrails", body),
        )

    def get_directory(self, workspace: str) -> DirectoryView:
        """The teams, teammates and tags that the workspace is said to have."""
        return cast(
            "DirectoryView", self._request_json("GET", f"{_workspace_path(workspace)}/directory")
        )

    def replace_directory(
        self, workspace: str, lists: Mapping[str, Sequence[str] | None]
    ) -> DirectoryView:
        """Say which there are, in the place of what was said; what is so already changes nothing.

        Of a sort that is not among the lists nothing is said from here on.
        """
        return cast(
            "DirectoryView",
            self._request_json("PUT", f"{_workspace_path(workspace)}/directory", lists),
        )

    def list_entries(self, workspace: str, **filters: str | int) -> Iterator[LedgerEntryView]:
        """The entries that the filters find, in order; `from_` stands for `from`."""
        parameters = {name.rstrip("_"): value for name, value in filters.items()}
        return cast(
            "Iterator[LedgerEntryView]",
            self._iterate_pages(f"{_workspace_path(workspace)}/ledger/entries", parameters),
        )

    def close(self) -> None:
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
    """How often, and after what: with `once`, never after a request that may have arrived."""
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
