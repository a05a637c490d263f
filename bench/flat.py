"""P9: what a token, an introspection and "My agents" cost when the tenant holds very many grants, beside few.

On SQLite and on PostgreSQL. Nothing is remembered between the requests that are timed: each goes to the database.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from bench.direct import ask, folder
from bench.filling import Filling, Pen, PostgresPen, SqlitePen
from bench.load import children, cpu_seconds
from bench.report import Line, Target
from bench.servers import TOKEN_FORM, basic
from tests.kit import postgres
from tests.kit.flows import approve, visit
from tests.kit.instance import Remit, instance, on_postgres

FEW = 10_000
CALLS = 300

Costs = dict[str, float]
Place = AbstractAsyncContextManager[tuple[Remit, Pen]]
Spent = Callable[[], float]
"""The CPU seconds used so far: unlike the clock on the wall they know nothing of what else the machine does."""


def measure(grants: int) -> Iterator[Line]:
    """Yield how much more each costs with `grants` grants than with ten thousand, on each engine."""
    yield from asyncio.run(_lines("SQLite", _sqlite(), time.process_time, grants))
    with postgres.running() as cluster:

        def spent() -> float:
            return time.process_time() + sum(cpu_seconds(pid) for pid in children(cluster.pid))

        yield from asyncio.run(_lines("PostgreSQL", _postgres(cluster), spent, grants))


@asynccontextmanager
async def _sqlite() -> AsyncIterator[tuple[Remit, Pen]]:
    place = folder()
    async with instance(place) as remit:
        yield remit, SqlitePen(place / "remit.db")


@asynccontextmanager
async def _postgres(cluster: postgres.Cluster) -> AsyncIterator[tuple[Remit, Pen]]:
    place = await postgres.migrated(cluster)
    async with on_postgres(place, folder()) as remit, cluster.superuser(place.database) as root:
        yield remit, PostgresPen(root)


async def _lines(engine: str, place: Place, spent: Spent, grants: int) -> list[Line]:
    async with place as (remit, pen):
        world = remit.acme
        await approve(remit, world, world.web)
        browser = remit.browser()
        await visit(browser, world)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        await browser.aclose()
        filling = Filling(pen, world)
        await filling.upto(FEW)
        few = await _costs(remit, cookie, spent)
        await filling.upto(grants)
        many = await _costs(remit, cookie, spent)
    return [
        Line(
            name=f"P9 {name}, {engine}",
            value=cost / few[name],
            unit="x few grants",
            target=Target(at_most=1.5),
            more={"few_us": few[name], "many_us": cost, "grants": float(grants)},
        )
        for name, cost in many.items()
    ]


async def _costs(remit: Remit, cookie: str, spent: Spent) -> Costs:
    web = basic(remit.acme.web.id, remit.acme.web_secret.reveal())
    token = json.loads(await ask(remit.app, "POST", "/t/acme/oauth/token", body=TOKEN_FORM, authorization=web))
    asked = f"token={token['access_token']}"
    acts: dict[str, Callable[[], Awaitable[bytes]]] = {
        "token": lambda: ask(remit.app, "POST", "/t/acme/oauth/token", body=TOKEN_FORM, authorization=web),
        "introspection": lambda: ask(remit.app, "POST", "/t/acme/oauth/introspect", body=asked, authorization=web),
        "My agents": lambda: ask(remit.app, "GET", "/t/acme/account", cookie=cookie),
    }
    return {name: await _cost(remit, act, spent) for name, act in acts.items()}


async def _cost(remit: Remit, act: Callable[[], Awaitable[bytes]], spent: Spent) -> float:
    """Return microseconds of CPU a call."""
    database: Any = remit.deps.db
    await act()
    began = spent()
    for _ in range(CALLS):
        database.recall.clear()
        await act()
    return (spent() - began) / CALLS * 1e6
