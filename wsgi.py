"""The application for WSGI servers. Settings come from the environment; see README.md."""

from __future__ import annotations

import logging
from multiprocessing.util import Finalize

from policy_service.app import create_app
from policy_service.observability import json_logs
from policy_service.settings import Settings

settings = Settings.load()
json_logs.configure_logging(settings.log)
app = create_app(settings)
Finalize(None, logging.shutdown, exitpriority=0)  # runs last
Finalize(None, app.extensions["policy_service"].stop, exitpriority=0)  # workers run no `atexit`
