"""A road to another port that leaves the address alone, as a load balancer does."""

from __future__ import annotations

import httpx2


class Detour(httpx2.AsyncBaseTransport):
    """Reach every address at one local port. The Host header stays what the caller meant."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._road = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(port=self._port)
        return await self._road.handle_async_request(request)

    async def aclose(self) -> None:
        await self._road.aclose()
