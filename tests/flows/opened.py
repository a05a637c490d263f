"""The store of an instance, opened beside its servers: what is really on disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from remit.core.names import TenantId
from remit.opening import open_deps
from remit.ports.work import Work
from remit.settings import load
from tests.flows.server import Server


@asynccontextmanager
async def reading(server: Server, tenant: str) -> AsyncIterator[Work]:
    """Read in one tenant, by its id."""
    flags = {"data.dir": server.data, "server.base_url": server.base}
    async with (
        open_deps(load(environ={}, flags=flags, cwd=server.data), create=False) as deps,
        deps.db.read(TenantId(tenant)) as work,
    ):
        yield work
