"""How long tests with random input run: `make soak` gives the same tests more of it."""

from __future__ import annotations

import os

DEPTH = int(os.environ.get("TEST_DEPTH", "1"))
"""The factor by which the numbers of examples, histories and kills grow."""
