"""The application a WSGI server loads. Settings come from the environment; see README.md."""

from __future__ import annotations

from policy_service.app import create_app

app = create_app()
