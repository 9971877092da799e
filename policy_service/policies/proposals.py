"""Proposed documents, as callers send them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.check import read_document
from rules.formats.document_text import read_value, read_yaml

if TYPE_CHECKING:
    from rules.model.document import Document


def document_from(sent: dict[str, Any] | str) -> Document:
    """Return the document of a JSON object or of YAML text.

    Raises InvalidDocumentError with every complaint.
    """
    return read_document(read_yaml(sent) if isinstance(sent, str) else read_value(sent))
