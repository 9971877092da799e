"""What goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from flask import Response

if TYPE_CHECKING:
    from collections.abc import Sequence


def answer(value: Any, status: int = 200) -> Response:  # noqa: ANN401 - any JSON value
    """The value as a JSON response; the same bytes for the same value."""
    return Response(orjson.dumps(value), status, content_type="application/json")


def listing(items: Sequence[Any], after: object | None) -> Response:
    """A page of a list; `after` is where the next one begins, None on the last."""
    return answer({"items": items, "next": None if after is None else str(after)})
