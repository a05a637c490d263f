"""Grants by the million, written past the store to be done in this century, on either engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg

from remit.core.names import Prefix
from remit.crypto.fresh import SystemClock, SystemFresh
from tests.kit.world import World

CLIENTS = 100
BATCH = 50_000

Cells = dict[str, Any]


class Pen(Protocol):
    """Reads and writes bare rows."""

    async def row(self, table: str, tenant: str, id_: str) -> Cells: ...
    async def write(self, table: str, rows: Sequence[Cells]) -> None: ...
    async def done(self) -> None:
        """Let the engine take note of how much there is now."""
        ...


class SqlitePen:
    def __init__(self, path: Path) -> None:
        self._database = apsw.Connection(str(path))

    async def row(self, table: str, tenant: str, id_: str) -> Cells:
        cursor = self._database.execute(f"select * from {table} where tenant = ? and id = ?", (tenant, id_))  # noqa: S608
        names = [name for name, _ in cursor.getdescription()]
        return dict(zip(names, next(cursor), strict=True))

    async def write(self, table: str, rows: Sequence[Cells]) -> None:
        names = list(rows[0])
        slots = ", ".join(f":{name}" for name in names)
        with self._database:
            self._database.executemany(f"insert into {table} ({', '.join(names)}) values ({slots})", rows)  # noqa: S608

    async def done(self) -> None:
        """Do nothing: SQLite counts when it plans."""


class PostgresPen:
    """INVARIANT: the connection is the superuser's, whom no row-level security holds."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def row(self, table: str, tenant: str, id_: str) -> Cells:
        found = await self._connection.fetchrow(f"select * from {table} where tenant = $1 and id = $2", tenant, id_)  # noqa: S608
        return dict(found)

    async def write(self, table: str, rows: Sequence[Cells]) -> None:
        records = [tuple(row.values()) for row in rows]
        await self._connection.copy_records_to_table(table, records=records, columns=list(rows[0]))

    async def done(self) -> None:
        await self._connection.execute("analyze")


class Filling:
    """Copies of one grant for ever other people and clients."""

    def __init__(self, pen: Pen, world: World) -> None:
        self._pen = pen
        self._world = world
        self._fresh = SystemFresh(SystemClock())
        self._clients = [self._fresh.id(Prefix.CLIENT) for _ in range(CLIENTS)]
        self._held = 0

    async def upto(self, grants: int) -> None:
        """Write until there are so many."""
        pen, tenant = self._pen, self._world.tenant.id
        grant = await pen.row("grants", tenant, self._world.unattended.id)
        user = await pen.row("users", tenant, self._world.alice.id)
        if not self._held:
            client = await pen.row("client", tenant, grant["client_id"])
            await pen.write("client", [{**client, "id": id_, "name": id_} for id_ in self._clients])
        while self._held < grants:
            some = min(BATCH, grants - self._held)
            people = [self._fresh.id(Prefix.USER) for _ in range((some + CLIENTS - 1) // CLIENTS)]
            await pen.write("users", [{**user, "id": id_, "email": id_, "email_key": id_} for id_ in people])
            rows = [
                {**grant, "id": self._fresh.id(Prefix.GRANT), "user_id": id_, "client_id": client}
                for id_ in people
                for client in self._clients
            ]
            await pen.write("grants", rows)
            self._held += len(rows)
        await pen.done()
