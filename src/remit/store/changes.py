"""Tells listeners that something was committed: by this process at once, by another one within a tenth of a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from weakref import WeakSet

POLL_SECONDS = 0.1


class Listener(AsyncIterator[None]):
    """Yields once for any number of commits since it last did; it hears everything after it was made."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._over = False

    def ring(self) -> None:
        self._rung.set()

    def end(self) -> None:
        self._over = True
        self._rung.set()

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> None:
        await self._rung.wait()
        if self._over:
            raise StopAsyncIteration
        self._rung.clear()


class Bell:
    """Rings for all listeners. `version` changes when another process has committed; None means: look again later."""

    def __init__(self, version: Callable[[], int | None]) -> None:
        self._version = version
        self._seen: int | None = None
        self._listeners: WeakSet[Listener] = WeakSet()
        self._timer: asyncio.TimerHandle | None = None
        self._asked_in_vain = False
        self._closed = False

    def listen(self) -> Listener:
        listener = Listener()
        if self._closed:
            listener.end()
            return listener
        self._listeners.add(listener)
        if self._timer is None:
            self._seen = self._version()
            self._poll_later()
        return listener

    def ring(self) -> None:
        """Tell of a commit of our own. Works may follow each other without a gap, so this is a time to look, too."""
        for listener in tuple(self._listeners):
            listener.ring()
        if self._asked_in_vain:
            self._look()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for listener in tuple(self._listeners):
            listener.end()

    def _poll_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        if not self._listeners:
            self._timer = None
            return
        self._look()
        self._poll_later()

    def _look(self) -> None:
        version = self._version()
        self._asked_in_vain = version is None
        if version is None or version == self._seen:
            return
        self._seen = version
        for listener in tuple(self._listeners):
            listener.ring()
