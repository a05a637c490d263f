"""A listener on loopback that counts who knocks: the place an attacker would like our server to call."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Listener:
    port: int
    knocks: int = 0

    def url(self, path: str = "/x", scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"


@asynccontextmanager
async def listening() -> AsyncIterator[Listener]:
    async def knocked(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.knocks += 1
        writer.close()

    server = await asyncio.start_server(knocked, "127.0.0.1", 0)
    found = Listener(server.sockets[0].getsockname()[1])
    try:
        yield found
        # Whoever connected has been accepted by now: a connection of our own comes after his.
        _, writer = await asyncio.open_connection("127.0.0.1", found.port)
        writer.close()
        async with asyncio.timeout(5):
            while not found.knocks:
                await asyncio.sleep(0.001)
        found.knocks -= 1
    finally:
        server.close()
        await server.wait_closed()
