"""A seeded instance on PostgreSQL, for cases about the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from remit.app import build
from remit.settings import Settings
from remit.store.migrate_postgres import open_postgres
from remit.store.postgres import Place
from tests.kit.clock import FixedClock
from tests.kit.instance import Remit, deps_on
from tests.kit.world import BASE, World, seed


@asynccontextmanager
async def instance_at(place: Place, folder: Path, *, worlds: dict[str, World] | None = None) -> AsyncIterator[Remit]:
    """Open an instance on a database; seed it unless somebody has, who then tells what is there."""
    clock = FixedClock()
    db = await open_postgres(place, BASE)
    try:
        deps = deps_on(db, clock)
        known = worlds or {"acme": await seed(deps, "acme")}
        app, hub = build(deps, Settings())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
            yield Remit(deps=deps, clock=clock, app=app, hub=hub, worlds=known, http=http, folder=folder)
    finally:
        await db.close()
