"""The real server in its own processes, and HTTP clients for it.

`Server` runs `policy-service serve` on a ledger that `made` made. It can be stopped, killed in part
or completely, and started again on the same ledger and port, as an operator would.
"""

from __future__ import annotations

import atexit
import http.client
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Self

import orjson

from tests.folders import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import TracebackType

COMMAND = Path(sys.executable).with_name("policy-service")

PATIENCE = 60.0  # seconds, after which a test has hung and fails
_PAUSE = 0.01
_PORTS = range(20_000, 32_000)  # below those that the system gives to clients


class NoResponseError(Exception):
    """The connection was refused, or closed before a complete answer arrived."""

    @property
    def torn(self) -> bool:
        """True if a part of an answer had arrived."""
        return isinstance(self.__cause__, http.client.IncompleteRead)


@dataclass(frozen=True)
class Answer:
    """A complete answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def replayed(self) -> bool:
        """True if the decision was given before."""
        return self.headers.get("idempotency-replayed") == "true"


class Client:
    """One kept-alive connection for one thread; it is opened again after a loss."""

    def __init__(self, port: int, key: str | None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def request(
        self, method: str, path: str, body: bytes | None = None, media: str | None = None
    ) -> Answer:
        """Return the answer; raise NoResponseError if none came.

        The request may have been done or not.
        """
        result = {**self._headers, "Content-Type": media} if media else self._headers
        try:
            self._connection.request(method, path, body, result)
            response = self._connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NoResponseError(f"{method} {path}: {error!r}") from error

    def get(self, path: str) -> Answer:
        return self.request("GET", path)

    def decide(self, event: bytes) -> Answer:
        return self.request("POST", "/v1/decisions", event)

    def decide_all(self, events: Sequence[bytes]) -> Answer:
        path, media = "/v1/decisions/batch", "application/x-ndjson"
        return self.request("POST", path, b"\n".join(events), media)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def free_port() -> int:
    """Return a port that is not in use."""
    for port in random.SystemRandom().sample(_PORTS, 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("there is no free port")


@dataclass
class Server:
    """A server on a ledger; as a context it is started, and killed at the end if it still runs."""

    data: Path
    keys: Mapping[str, str]
    """The ledger's keys by role, as returned by `made`."""
    workers: int = 2
    threads: int = 8
    port: int = field(default_factory=free_port)
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables added to the environment of the tests."""
    wrapper: Sequence[str] = ()
    """A command that runs the command of the server, which follows it."""
    logged_in: Path | None = None
    """The folder of its log; by default the parent of its data folder."""

    _process: subprocess.Popen[bytes] | None = None

    @property
    def command(self) -> list[str]:
        options = {"data": self.data, "port": self.port}
        sizes = {"workers": self.workers, "threads": self.threads}
        return [
            *(*self.wrapper, str(COMMAND), "serve"),
            *(f"--{name}={value}" for name, value in {**options, **sizes}.items()),
        ]

    @property
    def log(self) -> Path:
        """The file with the output of all starts."""
        folder = self.logged_in or self.data.parent
        return folder / f"{self.data.name}-{self.port}.log"

    def start(self) -> None:
        """Start it and wait until it is ready; raise AssertionError if it ends first."""
        self.launch()
        for _ in patiently("the server did not get ready"):
            assert self.is_running(), self.log.read_text()
            if self.is_ready():
                return

    def launch(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                process_group=0,
            )

    def is_ready(self) -> bool:
        with self.client(None) as client, suppress(NoResponseError):
            return client.get("/readyz").status == http.client.OK
        return False

    def client(self, role: str | None = "platform") -> Client:
        return Client(self.port, self.keys[role] if role else None)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the server was not started"
        return self._process

    def is_running(self) -> bool:
        """Return True if the main process runs."""
        return self._process is not None and self._process.poll() is None

    def worker_ids(self) -> list[int]:
        """Return the process ids of the workers; one of them may have ended since."""
        main = self.process.pid
        with suppress(OSError):
            children = Path(f"/proc/{main}/task/{main}/children").read_text()
            return [int(child) for child in children.split()]
        return []

    def process_ids(self) -> list[int]:
        """Return the process ids of the whole group, main process and workers."""
        return [int(each.name) for each in Path("/proc").iterdir() if self._is_ours(each)]

    def stop(self) -> int:
        """Send SIGTERM, wait until all processes ended, and return the exit code."""
        self.process.terminate()
        return self._wait()

    def kill(self) -> None:
        """Kill all processes at once (SIGKILL)."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._wait()

    def kill_main(self) -> None:
        """Kill only the main process, and wait until no process is left."""
        self.process.kill()
        self._wait()

    def kill_worker(self, choice: random.Random) -> None:
        """Kill one of the workers; wait until another one runs, or the main process gave up."""
        killed = choice.choice(self.worker_ids())
        with suppress(ProcessLookupError):
            os.kill(killed, signal.SIGKILL)
        for _ in patiently("there came no other worker"):
            workers = self.worker_ids()
            if not self.is_running() or (killed not in workers and len(workers) == self.workers):
                return

    def _wait(self) -> int:
        code = self.process.wait(PATIENCE)
        for _ in patiently("a process of the server went on without the others"):
            if not self.process_ids():
                break
        return code

    def _is_ours(self, entry: Path) -> bool:
        if not entry.name.isdigit():
            return False
        with suppress(OSError):
            state, _, group = (entry / "stat").read_text().rpartition(") ")[2].split()[:3]
            return int(group) == self.process.pid and state != "Z"
        return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None and self.process_ids():
            self.kill()


def made(data: Path) -> dict[str, str]:
    """Make a ledger and return its keys by role, as a copy of a ledger that `init` makes once."""
    template, keys = _template()
    shutil.copytree(template, data)
    return keys.copy()


@cache
def _template() -> tuple[Path, dict[str, str]]:
    folder = Path(mkdtemp(prefix="template-"))
    atexit.register(_remove_in, os.getpid(), folder)
    data = folder / "data"
    return data, orjson.loads(run("init", f"--data={data}", "--json").stdout)["keys"]


def _remove_in(process: int, folder: Path) -> None:
    """Remove a folder at the end of a process, and not at the end of a fork of it."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def run(
    *arguments: str, exit_code: int = 0, given: bytes = b"", wrapper: Sequence[str] = ()
) -> subprocess.CompletedProcess[bytes]:
    """Run a command of policy-service, which must exit with this code; `wrapper` may run it."""
    process = subprocess.run(
        [*wrapper, COMMAND, *arguments],
        cwd=ROOT,
        input=given,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    output = (process.stdout + process.stderr).decode()
    assert process.returncode == exit_code, f"{arguments} ended with {process.returncode}: {output}"
    return process


@contextmanager
def served(data: Path, **members: Any) -> Iterator[Server]:
    """Run a server on a new ledger; `members` are those of `Server`."""
    with Server(data, made(data), **members) as server:
        yield server


def patiently(failure: str) -> Iterator[None]:
    """Yield again and again with a short pause; raise AssertionError(failure) at the end."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        yield
        time.sleep(_PAUSE)
    raise AssertionError(failure)
