"""A ledger from before schedules ended early is sound, and its schedules are applied as before.

Version 2 was scheduled twice, activated by hand and rolled back; its first schedule was applied and
its second one is pending. Version 3 is on trial for 30 percent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.vectors.ledgers import stored_json, unpack
from tests.vectors.pinned import STORED, pinned
from tests.vectors.service import open_service
from tests.vectors.story import ACME
from tests.vectors.test_vectors import assert_sound

if TYPE_CHECKING:
    from pathlib import Path

NAME = "trial-format-5"


def test_old_schedules_are_sound_and_stay_pending(tmp_path: Path) -> None:
    data = tmp_path / "data"
    unpack(STORED / f"{NAME}.tar.gz", data)
    assert_sound(data)
    tokens = stored_json(f"{NAME}.json")["tokens"]
    with pinned("2026-11-24T00:00:00Z") as clock, open_service(data, tokens, clock) as service:
        two = service.send("auditor", "GET", f"{ACME}/versions/2")
        assert two["status"] == "active"
        assert [each["due"] for each in two["scheduled"]] == ["2026-11-25T00:00:00.000Z"]
        after = service.send("approver", "DELETE", f"{ACME}/versions/2/schedule")
        assert after["scheduled"] == []
    assert_sound(data)
