"""The length of tests with random input; `make soak` increases it."""

from __future__ import annotations

import os

DEPTH = int(os.environ.get("TEST_DEPTH", "1"))
"""The factor by which the numbers of examples, histories and kills grow."""
