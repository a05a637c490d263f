"""The way out of an instance, which leads nowhere until a test opens it."""

from __future__ import annotations

from collections.abc import Mapping

from remit.core.outbound import Fetched, Posted, Unchanged, Unreachable
from remit.ports.outbound import NOWHERE, Fetcher


class WayOut:
    def __init__(self) -> None:
        self.to: Fetcher = NOWHERE

    async def fetch(self, url: str, *, limit: int, etag: str | None = None) -> Fetched | Unchanged | Unreachable:
        return await self.to.fetch(url, limit=limit, etag=etag)

    async def post(self, url: str, form: Mapping[str, str]) -> Posted | Unreachable:
        return await self.to.post(url, form)
