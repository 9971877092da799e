"""The codes of complaints: each code that a check uses is in the table."""

from __future__ import annotations

import re

from rules.validation.codes import COMPLAINT_CODES
from tests.folders import ROOT


def test_checks_use_listed_codes_only() -> None:
    used = {
        code
        for module in (ROOT / "rules" / "validation").rglob("*.py")
        for code in re.findall(r'\.complain\(\s*"(\w+)"', module.read_text(encoding="utf-8"))
    }
    assert "too_long" in used
    assert used - COMPLAINT_CODES.keys() == set()
