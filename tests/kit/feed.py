"""Read the revocation feed as a guard does, without a socket: an open response that is read piece by piece."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from remit.core.resources import Resource
from tests.kit.instance import Remit
from tests.kit.world import World


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    id: str | None
    body: dict[str, Any]


class Feed:
    """One open feed."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self.status = 0
        self.headers: dict[str, str] = {}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self._messages.put(message)

    async def begin(self) -> None:
        start = await asyncio.wait_for(self._messages.get(), 5)
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def next(self, seconds: float = 5) -> Entry:
        """Return the next entry.

        Raises:
            TimeoutError: none came in time.
            EOFError: the feed was ended.
        """
        while True:
            message = await asyncio.wait_for(self._messages.get(), seconds)
            if text := message["body"].decode():
                assert text.endswith("\n\n")
                lines = dict(line.split(": ", 1) for line in text.strip().split("\n"))
                return Entry(lines["event"], lines.get("id"), json.loads(lines["data"]))
            if not message.get("more_body"):
                raise EOFError


@asynccontextmanager
async def open_feed(
    remit: Remit, world: World, *, last: str | None = None, resource: Resource | None = None, secret: str | None = None
) -> AsyncIterator[Feed]:
    """Open the feed of a tenant as its calendar, or as somebody else."""
    who = resource or world.calendar
    credentials = f"{who.id}:{secret if secret is not None else world.calendar_secret.reveal()}"
    headers = [(b"host", b"id.example"), (b"authorization", b"Basic " + b64encode(credentials.encode()))]
    if last is not None:
        headers.append((b"last-event-id", last.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": urlsplit(world.issuer).path + "/feed",
        "raw_path": b"/feed",
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("192.0.2.7", 1),
        "server": ("id.example", 443),
    }
    gone = asyncio.Event()
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await gone.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    feed = Feed()

    async def serve() -> None:
        await remit.app(scope, receive, feed.send)

    task = asyncio.create_task(serve())
    try:
        await feed.begin()
        yield feed
    finally:
        gone.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
