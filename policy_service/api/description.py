"""The description of the service, for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app

from policy_service.api.answers import answer

if TYPE_CHECKING:
    from flask import Response

    from policy_service.service import Service

DESCRIPTION = "policy_service.description"
"""Where the application keeps what makes its description."""


def openapi(_: Service) -> Response:
    """The description of every call (OpenAPI 3.1), this one among them."""
    return answer(current_app.extensions[DESCRIPTION]())
