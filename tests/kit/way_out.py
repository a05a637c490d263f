"""The way out of an instance, which leads nowhere until a test opens it."""

from __future__ import annotations

from remit.core.outbound import Fetched, Unchanged, Unreachable
from remit.ports.outbound import NOWHERE, Fetcher


class WayOut:
    def __init__(self) -> None:
        self.to: Fetcher = NOWHERE

    async def fetch(self, url: str, *, limit: int, etag: str | None = None) -> Fetched | Unchanged | Unreachable:
        return await self.to.fetch(url, limit=limit, etag=etag)
