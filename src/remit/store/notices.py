"""Tells listeners of a node what the other nodes on the database did: a stop at once, anything within a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol
from weakref import WeakSet

from remit.core.errors import StoreUnavailable
from remit.store.changes import Listener

POLL_SECONDS = 1.0
"""How often the database is asked whether anything was committed: what a lost connection kept from us is felt then."""

_RETRY_SECONDS = 0.2


class Ear(Protocol):
    """A connection that hears notices."""

    async def newest(self) -> str:
        """Return something that changes whenever anything is committed."""
        ...

    async def close(self) -> None: ...


class Notices:
    """Rings for all listeners. `connect` opens an ear that calls what it is given at each notice of another node."""

    def __init__(self, connect: Callable[[Callable[[], None]], Awaitable[Ear]]) -> None:
        self._connect = connect
        self._listeners: WeakSet[Listener] = WeakSet()
        self._following: asyncio.Task[None] | None = None
        self._closed = False

    def listen(self) -> Listener:
        listener = Listener()
        if self._closed:
            listener.end()
            return listener
        self._listeners.add(listener)
        if self._following is None:
            self._following = asyncio.create_task(self._follow())
        return listener

    def ring(self) -> None:
        for listener in tuple(self._listeners):
            listener.ring()

    async def close(self) -> None:
        self._closed = True
        if self._following is not None:
            self._following.cancel()
            with suppress(asyncio.CancelledError):
                await self._following
        for listener in tuple(self._listeners):
            listener.end()

    async def _follow(self) -> None:
        seen = ""
        while True:
            try:
                ear = await self._connect(self.ring)
                try:
                    while True:
                        newest = await ear.newest()
                        if newest != seen:
                            # Also when the connection is new: what happened meanwhile was told to nobody.
                            self.ring()
                        seen = newest
                        await asyncio.sleep(POLL_SECONDS)
                finally:
                    await ear.close()
            except StoreUnavailable:
                await asyncio.sleep(_RETRY_SECONDS)
