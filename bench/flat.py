"""P9: what a token, an introspection and "My agents" cost when the tenant holds very many grants, beside few.

On SQLite. Nothing is remembered between the requests that are timed, so that each goes to the database.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import apsw

from bench.direct import ask, folder
from bench.report import Line, Target
from bench.servers import TOKEN_FORM, basic
from remit.core.names import Prefix
from remit.crypto.fresh import SystemClock, SystemFresh
from tests.kit.flows import approve, visit
from tests.kit.instance import Remit, instance

FEW = 10_000
CALLS = 300
CLIENTS = 100
BATCH = 50_000

Costs = dict[str, float]


def measure(grants: int) -> Iterator[Line]:
    """Yield how much more each costs with `grants` grants than with ten thousand."""
    few, many = asyncio.run(_in(folder(), grants))
    for name, cost in many.items():
        more = {"few_us": few[name], "many_us": cost, "grants": float(grants)}
        yield Line(
            name=f"P9 {name}", value=cost / few[name], unit="x few grants", target=Target(at_most=1.5), more=more
        )


async def _in(place: Path, grants: int) -> tuple[Costs, Costs]:
    async with instance(place) as remit:
        world = remit.acme
        await approve(remit, world, world.web)
        browser = remit.browser()
        await visit(browser, world)
        cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        await browser.aclose()
        filling = Filling(place / "remit.db", world.tenant.id, world.unattended.id, world.alice.id)
        filling.upto(FEW)
        few = await _costs(remit, cookie)
        filling.upto(grants)
        return few, await _costs(remit, cookie)


async def _costs(remit: Remit, cookie: str) -> Costs:
    web = basic(remit.acme.web.id, remit.acme.web_secret.reveal())
    token = json.loads(await ask(remit.app, "POST", "/t/acme/oauth/token", body=TOKEN_FORM, authorization=web))
    asked = f"token={token['access_token']}"
    acts: dict[str, Callable[[], Awaitable[bytes]]] = {
        "token": lambda: ask(remit.app, "POST", "/t/acme/oauth/token", body=TOKEN_FORM, authorization=web),
        "introspection": lambda: ask(remit.app, "POST", "/t/acme/oauth/introspect", body=asked, authorization=web),
        "My agents": lambda: ask(remit.app, "GET", "/t/acme/account", cookie=cookie),
    }
    return {name: await _cost(remit, act) for name, act in acts.items()}


async def _cost(remit: Remit, act: Callable[[], Awaitable[bytes]]) -> float:
    costs = []
    database: Any = remit.deps.db
    for _ in range(CALLS):
        database.recall.clear()
        began = time.process_time()
        await act()
        costs.append(time.process_time() - began)
    return statistics.median(costs) * 1e6


class Filling:
    """Copies of one grant for ever other people and clients, written past the store to be done in this century."""

    def __init__(self, path: Path, tenant: str, grant: str, user: str) -> None:
        self._database = apsw.Connection(str(path))
        self._fresh = SystemFresh(SystemClock())
        self._grant = self._row("grants", tenant, grant)
        self._user = self._row("users", tenant, user)
        client = self._row("client", tenant, self._grant["client_id"])
        self._clients = [self._fresh.id(Prefix.CLIENT) for _ in range(CLIENTS)]
        self._write("client", [{**client, "id": id_, "name": id_} for id_ in self._clients])
        self._held = 0

    def upto(self, grants: int) -> None:
        """Write until there are so many."""
        while self._held < grants:
            some = min(BATCH, grants - self._held)
            people = [self._fresh.id(Prefix.USER) for _ in range((some + CLIENTS - 1) // CLIENTS)]
            self._write("users", [{**self._user, "id": id_, "email": id_, "email_key": id_} for id_ in people])
            self._write(
                "grants",
                [
                    {**self._grant, "id": self._fresh.id(Prefix.GRANT), "user_id": user, "client_id": client}
                    for user in people
                    for client in self._clients
                ],
            )
            self._held += len(people) * CLIENTS

    def _row(self, table: str, tenant: str, id_: str) -> dict[str, Any]:
        cursor = self._database.execute(f"select * from {table} where tenant = ? and id = ?", (tenant, id_))  # noqa: S608
        names = [name for name, _ in cursor.getdescription()]
        return dict(zip(names, next(cursor), strict=True))

    def _write(self, table: str, rows: list[dict[str, Any]]) -> None:
        names = list(rows[0])
        slots = ", ".join(f":{name}" for name in names)
        with self._database:
            self._database.executemany(f"insert into {table} ({', '.join(names)}) values ({slots})", rows)  # noqa: S608
