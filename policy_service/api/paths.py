"""The parts of a path, as the table of routes names them.

A part is what the client percent-encoded, decoded once: an event's id may hold anything printable,
slashes and dots among it. Nothing is tidied up, so that no address leads to another one's thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from werkzeug.routing import BaseConverter, IntegerConverter

if TYPE_CHECKING:
    from flask import Flask


class EventIdConverter(BaseConverter):
    """Everything up to the end of the path."""

    part_isolating = False
    regex = "(?s:.+)"
    weight = 200


class NumberConverter(IntegerConverter):
    """A number as we write it: each has one address."""

    regex = "0|[1-9][0-9]*"


def register(app: Flask) -> None:
    app.url_map.converters.update(event=EventIdConverter, number=NumberConverter)
    app.url_map.merge_slashes = False
