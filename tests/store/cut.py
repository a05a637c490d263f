"""A cable between us and PostgreSQL that a test can cut."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import urlsplit

from remit.store.postgres import Place


class Cable:
    """Passes bytes on. `cut_at` names what, once seen from our side, breaks the connection: before it or after it."""

    def __init__(self) -> None:
        self.cut_at: bytes | None = None
        self.after = False
        self.cuts = 0
        self.down = False
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    def pull(self) -> None:
        """Break every connection, and let nobody in."""
        self.down = True
        for writer in self._open:
            writer.transport.abort()

    async def connected(
        self, host: str, port: int, inner: asyncio.StreamReader, inner_out: asyncio.StreamWriter
    ) -> None:
        if self.down:
            inner_out.transport.abort()
            return
        outer, outer_out = await asyncio.open_connection(host, port)
        pair = {inner_out, outer_out}
        self._open |= pair

        async def up() -> None:
            while data := await inner.read(65536):
                armed = self.cut_at is not None and self.cut_at in data
                if armed and not self.after:
                    break
                outer_out.write(data)
                if armed:
                    # The answer shows that it has happened; nobody on our side will hear it.
                    deaf.set()
                    await answered.wait()
                    break
            if not inner.at_eof():
                self.cuts += 1
                self.cut_at = None

        async def down() -> None:
            while data := await outer.read(65536):
                if deaf.is_set():
                    answered.set()
                    return
                inner_out.write(data)

        deaf, answered = asyncio.Event(), asyncio.Event()
        both = [asyncio.create_task(step()) for step in (up, down)]
        self._passing.update(both)
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if deaf.is_set():
                await both[0]
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            for task in both:
                task.cancel()
            await asyncio.gather(*both, return_exceptions=True)
            for writer in pair:
                writer.transport.abort()
            self._open -= pair
            self._passing.difference_update(both)


@asynccontextmanager
async def cable_to(place: Place) -> AsyncIterator[tuple[Cable, Place]]:
    url = urlsplit(place.url)
    assert url.hostname is not None
    host, port = url.hostname, url.port or 5432
    cable = Cable()
    server = await asyncio.start_server(lambda *streams: cable.connected(host, port, *streams), "127.0.0.1", 0)
    try:
        ours = server.sockets[0].getsockname()[1]
        yield cable, replace(place, url=f"postgresql://127.0.0.1:{ours}/{place.database}")
    finally:
        server.close()
        cable.pull()
