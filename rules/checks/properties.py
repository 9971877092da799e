"""A property is to be proved over all facts; as long as none can be, a document may state none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rules.draft import Draft
    from rules.errors import Complaint


def check(draft: Draft) -> Iterator[Complaint]:
    properties = draft.root.member("properties")
    if isinstance(properties.value, list) and properties.value:
        message = (
            "Properties cannot be proved yet, and none is accepted unproved: leave them out, "
            "and write tests"
        )
        yield properties.complain("properties_unsupported", message)
