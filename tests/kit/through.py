"""Reach an application without a socket, with answers that stream: what a guard needs to follow the feed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import httpx2
from starlette.types import ASGIApp


class Through(httpx2.AsyncBaseTransport):
    """A transport that ends in an application of this very process."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._calls: set[asyncio.Task[None]] = set()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        body = await request.aread()
        sent: asyncio.Queue[MutableMapping[str, Any] | None] = asyncio.Queue()
        gone, asked = asyncio.Event(), False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if asked:
                await gone.wait()
                return {"type": "http.disconnect"}
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def serve() -> None:
            try:
                await self._app(_scope(request), receive, sent.put)
            finally:
                await sent.put(None)

        call = asyncio.create_task(serve())
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        start = await sent.get()
        if start is None:
            await call
            raise httpx2.ConnectError("the application did not answer", request=request)
        return httpx2.Response(
            start["status"],
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]],
            stream=_Pieces(sent, gone),
        )

    async def aclose(self) -> None:
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)


class _Pieces(httpx2.AsyncByteStream):
    def __init__(self, sent: asyncio.Queue[MutableMapping[str, Any] | None], gone: asyncio.Event) -> None:
        self._sent = sent
        self._gone = gone

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (message := await self._sent.get()) is not None:
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def aclose(self) -> None:
        self._gone.set()


def _scope(request: httpx2.Request) -> dict[str, Any]:
    path, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": request.url.path,
        "raw_path": path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("192.0.2.8", 1),
        "server": (request.url.host, request.url.port or 443),
    }
