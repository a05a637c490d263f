"""The one place where waiting connections learn that something was committed."""

from __future__ import annotations

import asyncio

from remit.ports.work import Database


class Hub:
    """Wakes every open feed when something was committed, here or by another process; ends them on shutdown."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self.stopping = False

    async def watch(self, db: Database) -> None:
        """Follow the store's changes until cancelled."""
        async for _ in db.changes():
            self._wake()

    def stop(self) -> None:
        self.stopping = True
        self._wake()

    def next_change(self) -> asyncio.Event:
        """Return the event of the next change. Take it before looking, or a change during the look is missed."""
        return self._changed

    def _wake(self) -> None:
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()
