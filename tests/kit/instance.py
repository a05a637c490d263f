"""A whole instance in a folder: the real store and cryptography, a clock that a test moves, HTTP without a socket."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import httpx
import msgspec
from starlette.types import ASGIApp

from remit.app import build
from remit.cache.memory import MemoryThrottle
from remit.cache.uses import MemoryUses
from remit.crypto.digest import HmacDigester
from remit.crypto.fresh import SystemFresh
from remit.crypto.keyring import TenantKeyring
from remit.crypto.passwords import Argon2Passwords
from remit.crypto.sealing import AesGcmSealer
from remit.http.hub import Hub
from remit.ports.deps import Deps
from remit.ports.work import Database, EventFilter
from remit.settings import Settings
from remit.store.migrate import open_sqlite
from remit.store.migrate_postgres import open_postgres
from remit.store.postgres import Place
from tests.kit.clock import FixedClock
from tests.kit.way_out import WayOut
from tests.kit.world import BASE, World, seed

SLUGS = ("default", "acme", "globex")


@dataclass(slots=True, kw_only=True)
class Remit:
    """An open instance. `acme` and `globex` hold the same names, so only the wall tells them apart."""

    deps: Deps
    clock: FixedClock
    app: ASGIApp
    hub: Hub
    worlds: dict[str, World]
    http: httpx.AsyncClient
    folder: Path = field(repr=False)

    @property
    def acme(self) -> World:
        return self.worlds["acme"]

    @property
    def globex(self) -> World:
        return self.worlds["globex"]

    @property
    def default(self) -> World:
        return self.worlds["default"]

    def browser(self) -> httpx.AsyncClient:
        """Return a client with cookies of its own."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=self.app), base_url=BASE)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Let open feeds hear of commits, as the running application does in its lifespan."""
        task = asyncio.create_task(self.hub.watch(self.deps.db))
        await asyncio.sleep(0)
        try:
            yield
        finally:
            self.hub.stop()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def sql(self, statement: str, **values: str | int | None) -> None:
        """Change a row behind the product's back, for states that no use case brings about yet."""
        connection = apsw.Connection(str(self.folder / "remit.db"))
        connection.set_busy_timeout(1000)
        connection.execute(statement, values)
        assert connection.changes(), statement
        # As everybody does who changes a row, so that nobody goes on with what he remembers.
        connection.execute("update tenant set stamp = random() & 0x3fffffffffffffff")
        connection.close()

    async def events(self, world: World, **wanted: Any) -> list[dict[str, Any]]:
        """Return events of a tenant, oldest first."""
        async with self.deps.db.read(world.tenant.id) as work:
            page = await work.events.page(EventFilter(**wanted), limit=500)
        return [msgspec.json.decode(event.body) for event in reversed(page)]

    async def events_of(self, world: World, action: Awaitable[Any]) -> tuple[Any, list[dict[str, Any]]]:
        """Await something and return what came of it, with the events that it left."""
        before = len(await self.events(world))
        came = await action
        return came, (await self.events(world))[before:]


Template = tuple[Path, dict[str, World]]
"""A database to copy, and who is in it."""


@asynccontextmanager
async def instance(folder: Path, *, like: Template | None = None) -> AsyncIterator[Remit]:
    """Open a seeded instance in a folder. Every one begins as a copy of the first, or of the one it shall be like."""
    clock = FixedClock()
    template, worlds = like or await _template(folder)
    path = folder / "remit.db"
    if template != path:
        shutil.copyfile(template, path)
    async with _open(path, clock) as deps, _built(deps, clock, worlds, folder) as remit:
        yield remit


@asynccontextmanager
async def on_postgres(place: Place, folder: Path) -> AsyncIterator[Remit]:
    """Seed and open an instance on an empty database of this version."""
    clock = FixedClock()
    db = await open_postgres(place, BASE)
    try:
        deps = deps_on(db, clock)
        worlds = {slug: await seed(deps, slug) for slug in SLUGS}
        async with _built(deps, clock, worlds, folder) as remit:
            yield remit
    finally:
        await db.close()


@asynccontextmanager
async def _built(deps: Deps, clock: FixedClock, worlds: dict[str, World], folder: Path) -> AsyncIterator[Remit]:
    app, hub = build(deps, Settings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        yield Remit(deps=deps, clock=clock, app=app, hub=hub, worlds=worlds, http=http, folder=folder)


@asynccontextmanager
async def _open(path: Path, clock: FixedClock) -> AsyncIterator[Deps]:
    db = await open_sqlite(path, BASE)
    try:
        yield deps_on(db, clock)
    finally:
        await db.close()


def deps_on(db: Database, clock: FixedClock) -> Deps:
    """Return everything that use cases ask for, on an open store; keys and pepper are the same in every test."""
    sealer = AesGcmSealer(bytes(range(32)))
    return Deps(
        db=db,
        base_url=BASE,
        clock=clock,
        fresh=SystemFresh(clock),
        digester=HmacDigester(bytes(reversed(range(32)))),
        sealer=sealer,
        # The cheapest argon2id there is: what it costs a guesser is another suite's question.
        passwords=Argon2Passwords(memory_kib=8, passes=1),
        keyring=TenantKeyring(sealer),
        throttle=MemoryThrottle(),
        uses=MemoryUses(),
        outbound=WayOut(),
    )


_TEMPLATES: dict[str, Template] = {}


async def _template(folder: Path) -> Template:
    """Seed once a process: RSA keys take their time."""
    if "seeded" not in _TEMPLATES:
        path = folder.parent / "seeded" / "remit.db"
        path.parent.mkdir()
        async with _open(path, FixedClock()) as deps:
            worlds = {slug: await seed(deps, slug) for slug in SLUGS}
        _TEMPLATES["seeded"] = path, worlds
    return _TEMPLATES["seeded"]
