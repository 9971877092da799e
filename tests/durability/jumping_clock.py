"""A server whose clock is moved by a file: the seconds in the file are added to the time."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from audit.stores.sqlite.store import SqliteStore, utc_now
from policy_service.app import create_app
from policy_service.settings import Settings
from tests.durability.broken_stores import BrokenServer

if TYPE_CHECKING:
    from flask import Flask

OFFSET = "TESTS_CLOCK_OFFSET"


def read_clock() -> datetime:
    return utc_now() + timedelta(seconds=int(Path(os.environ[OFFSET]).read_text()))


def jumping() -> Flask:
    settings = Settings.load()
    return create_app(settings, SqliteStore.open(settings.data, clock=read_clock))


class JumpingServer(BrokenServer):
    application = staticmethod(jumping)
