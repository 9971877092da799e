"""Recorded requests with the parts of their responses that must stay the same, byte for byte."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zstandard import ZstdCompressor, ZstdDecompressor

from tests.vectors.pinned import STORED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from werkzeug.test import TestResponse

    from tests.vectors.service import Service


@dataclass(frozen=True)
class Exchange:
    """One request and its response. `held` is None if only the status is held."""

    role: str
    method: str
    path: str
    body: Any
    status: int
    held: str | None

    @classmethod
    def of(cls, response: TestResponse, role: str, body: Any) -> Exchange:
        """Return the exchange that this response ends."""
        request = response.request
        path = request.full_path.rstrip("?")
        return cls(role, request.method, path, body, response.status_code, _held(path, response))

    def repeated(self, service: Service) -> Exchange:
        """Send the request again; return the exchange with the response of now."""
        response = service.request(self.role, self.method, self.path, self.body)
        return self.of(response, self.role, self.body)


def _held(path: str, response: TestResponse) -> str | None:
    """Return the part of a response that must stay the same; None if only the status must.

    That is the whole body of a decision, and the code of a problem.
    """
    if "/decisions" not in path:
        return None
    if path.endswith("/batch"):
        lines = response.text.splitlines(keepends=True)
        return "".join(_decision_or_code(line) for line in lines)
    return _decision_or_code(response.text)


def _decision_or_code(body: str) -> str:
    """Return the code of a problem, any other body as it is."""
    code = json.loads(body).get("code")
    return f"{code}\n" if code else body


def exchange_files() -> list[Path]:
    """Return the stored files of exchanges."""
    return sorted(STORED.glob("exchanges-*"))


def write_exchanges(path: Path, exchanges: Iterable[Exchange]) -> None:
    """Write one exchange a line, compressed."""
    lines = [json.dumps(asdict(each), ensure_ascii=False) for each in exchanges]
    body = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(ZstdCompressor(level=19).compress(body))


def read_exchanges(path: Path) -> list[Exchange]:
    """Return the exchanges of a file in their order."""
    text = ZstdDecompressor().decompress(path.read_bytes()).decode()
    return [Exchange(**json.loads(line)) for line in text.split("\n") if line]
