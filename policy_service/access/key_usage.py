"""When keys were last used, to the minute.

A use is noted in this process's memory. What was noted is written beside the logs at a key's first
use, and then when a minute has passed since the use of it that was written: by whoever comes, in
the commit of its own decision where it has one. So a key that is used all the time costs a write a
minute, one that is not used costs nothing, and nobody runs in the background.
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

    What is given out to be written counts as written. Where that commit fails, the key's next use
    after a minute is written again: a ledger that cannot be written to is not asked more often.
    """

    def __init__(self) -> None:
        self._last_uses: dict[str, datetime] = {}
        self._taken_uses: dict[str, datetime] = {}
        self._writing = threading.Lock()

    def record(self, key_id: str, now: datetime, store: Store) -> None:
        """The key is used; where it is time, write that, and wait for it."""
        if self._is_write_due(key_id, now):
            self.write(store)

    def record_in(self, tx: Transaction, key_id: str) -> None:
        """The key is used in this transaction, which writes that where it is time."""
        if self._is_write_due(key_id, tx.now):
            tx.record_key_uses(self._take_unwritten())

    def write(self, store: Store) -> None:
        """Write what was noted and is not written; no error where the ledger takes nothing.

        Nobody waits for another's write: where the disk hangs, so does a single request.
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
        """Whether it is time to write."""
        self._last_uses[key_id] = now
        before = self._taken_uses.get(key_id)
        return before is None or now - before >= WRITE_INTERVAL

    def _take_unwritten(self) -> dict[str, str]:
        last = self._last_uses.copy()
        new = {key: at for key, at in last.items() if self._taken_uses.get(key) != at}
        self._taken_uses.update(new)
        return {key: format_time(at) for key, at in new.items()}
