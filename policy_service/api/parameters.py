"""The parts of a path, as the table of routes names them.

A part is what the client percent-encoded, decoded once: an id may hold anything printable,
slashes and dots among it. Nothing is tidied up, so that no address leads to another one's thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field
from werkzeug.routing import BaseConverter, IntegerConverter

from policy_service.api.route import Parameter
from rules.model.event import EventId, LongId, WorkspaceId
from rules.model.workspace import WORKSPACE_PATTERN

if TYPE_CHECKING:
    from flask import Flask


class IdConverter(BaseConverter):
    """Everything up to the end of the path."""

    part_isolating = False
    regex = "(?s:.+)"
    weight = 200


class NumberConverter(IntegerConverter):
    """A number as we write it: each has one address."""

    regex = "0|[1-9][0-9]*"


PARTS = {
    "key": Parameter(str, "The key's id.", "key-3c28b8f6b7fe"),
    "workspace": Parameter(WorkspaceId, "The workspace's id.", "acme"),
    "event": Parameter(EventId, "The event's id, percent-encoded.", "ev-1"),
    "conversation": Parameter(LongId, "The conversation's id, percent-encoded.", "c-1"),
    "action": Parameter(str, "The action's id.", "dec-i7ryxcqtpg5kxrxm655gb7qnve.0"),
    "hold": Parameter(str, "The hold's id.", "hold-6f1d2c0b9a37"),
    "replay": Parameter(str, "The replay's id.", "rep-0123456789abcdef"),
    "number": Parameter(Annotated[int, Field(ge=0)], "The version's number.", 2),
    "index": Parameter(Annotated[int, Field(ge=0)], "The entry's index, from 0.", 4),
}
"""Every part that a path may have, by its name in the table of routes."""
LOG = Parameter(
    Annotated[str, Field(pattern=WORKSPACE_PATTERN)], "The workspace's id, or `system`.", "acme"
)
"""The part `workspace` of a route that may name the log `system` in its place."""


def register(app: Flask) -> None:
    app.url_map.converters.update(id=IdConverter, number=NumberConverter)
    app.url_map.merge_slashes = False
