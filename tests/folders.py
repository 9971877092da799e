"""The folders that tests read: the project's root, and shared data that may lie next to it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
"""May be absent: a test that reads it skips and says so."""

BUILD = ROOT / "build"
"""Files that tests leave behind; `make clean` removes them."""
