"""The last use of each key, to the minute.

A use is cached in memory. It is written outside the logs at the first use of a key, and later if a
minute has passed since the use that was written. The next request writes it, in its own transaction
if it has one. A busy key costs one write a minute, an unused key costs nothing, and no background
thread is needed.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from audit.entry import format_time
from audit.errors import AuditError

if TYPE_CHECKING:
    from datetime import datetime

    from audit.stores.contract import Store, Transaction

WRITE_INTERVAL = timedelta(minutes=1)

_log = logging.getLogger(__name__)


class KeyUsage:
    """The uses that this process has seen; safe to share between threads.

    A use counts as written before its commit. If the commit fails, the key's next use after a
    minute is written again, so that a ledger that refuses writes is not asked more often.
    """

    def __init__(self) -> None:
        self._last_uses: dict[str, datetime] = {}
        self._taken_uses: dict[str, datetime] = {}
        self._writing = threading.Lock()

    def record(self, key_id: str, now: datetime, store: Store) -> None:
        """Record a use; write it if a write is due."""
        if self._is_write_due(key_id, now):
            self.write(store)

    def record_in(self, tx: Transaction, key_id: str) -> None:
        """Record a use; write it in this transaction if a write is due."""
        if self._is_write_due(key_id, tx.now):
            tx.record_key_uses(self._take_unwritten())

    def write(self, store: Store) -> None:
        """Write the uses that are not written yet; log a warning if the ledger refuses.

        No request waits for the write of another one: if the disk hangs, one request hangs.
        """
        if not self._writing.acquire(blocking=False):
            return
        try:
            if uses := self._take_unwritten():
                store.transact(lambda tx: tx.record_key_uses(uses))
        except AuditError as error:
            _log.warning("last uses of keys were not written", exc_info=error)
        finally:
            self._writing.release()

    def _is_write_due(self, key_id: str, now: datetime) -> bool:
        """Record a use; return True if a write is due."""
        self._last_uses[key_id] = now
        before = self._taken_uses.get(key_id)
        return before is None or now - before >= WRITE_INTERVAL

    def _take_unwritten(self) -> dict[str, str]:
        last = self._last_uses.copy()
        new = {key: at for key, at in last.items() if self._taken_uses.get(key) != at}
        self._taken_uses.update(new)
        return {key: format_time(at) for key, at in new.items()}
