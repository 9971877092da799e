"""The parts of a path, as rows name them.

The client percent-encodes a part, and the service decodes it once: an id may hold any printable
character, also slashes and dots. No path is tidied up: no address leads to another resource.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from werkzeug.routing import BaseConverter, IntegerConverter

from policy_service.api.schemas import fields
from rules.model.workspace import WORKSPACE_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Flask
    from marshmallow.fields import Field


class IdConverter(BaseConverter):
    """Everything up to the end of the path."""

    part_isolating = False
    regex = "(?s:.+)"
    weight = 200


class NumberConverter(IntegerConverter):
    """A whole number without leading zeros: each number has one address."""

    regex = "0|[1-9][0-9]*"


PARTS: Mapping[str, Field[Any]] = {
    "key": fields.text("The id of the key.", example="key-3c28b8f6b7fe"),
    "workspace": fields.workspace("The id of the workspace.", example="acme"),
    "event": fields.text(
        "The id of the event, percent-encoded.",
        min_length=1,
        max_length=128,
        printable=True,
        example="ev-1",
    ),
    "conversation": fields.long_id("The id of the conversation, percent-encoded.", example="c-1"),
    "action": fields.text("The id of the action.", example="dec-i7ryxcqtpg5kxrxm655gb7qnve.0"),
    "hold": fields.text("The id of the hold.", example="hold-6f1d2c0b9a37"),
    "replay": fields.text("The id of the replay.", example="rep-0123456789abcdef"),
    "number": fields.number("The number of the version.", least=0, example=2),
    "index": fields.number("The index of the entry, from 0.", least=0, example=4),
}
"""Every part that a path may have, by its name in rows."""
WORKSPACE_OR_SYSTEM = fields.text(
    "The id of the workspace, or `system`.", pattern=WORKSPACE_PATTERN, example="acme"
)
"""The part `workspace` of a row that may name the log `system`."""


def register(app: Flask) -> None:
    """Add the converters of path parts to the application."""
    app.url_map.converters.update(id=IdConverter, number=NumberConverter)
    app.url_map.merge_slashes = False
