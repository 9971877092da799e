"""The folders that tests read: the project's root, and shared data that may lie next to it."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
"""The folder may be missing: a test that reads it then skips with a message."""

BUILD = ROOT / "build"
"""Files that tests leave; `make clean` removes them."""
