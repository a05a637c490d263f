"""The tree over the events, and its checkpoints."""

from __future__ import annotations

from datetime import datetime

from remit.core.audit.tree import EMPTY, Frontier
from remit.ports.work import TreeState
from remit.store.columns import as_bytes, to_ms
from remit.store.statements import Statements

FRONTIER = """
select frontier from audit_tree where tenant = :tenant
"""

SAVE = """
insert into audit_tree (tenant, size, frontier) values (:tenant, :size, :frontier)
on conflict (tenant) do update set size = excluded.size, frontier = excluded.frontier
"""

LEAVES = """
select seq, body, leaf from event where tenant = :tenant and seq >= :start order by seq limit :limit
"""

CHECKPOINTS = """
select size, note from checkpoint where tenant = :tenant order by size
"""

SIGNED = """
select max(size) from checkpoint where tenant = :tenant
"""

NEWEST = """
select note from checkpoint where tenant = :tenant order by size desc limit 1
"""

ADD_CHECKPOINT = """
insert into checkpoint (tenant, size, note, at) values (:tenant, :size, :note, :at)
on conflict (tenant, size) do nothing returning 1
"""


class TreeInWork:
    """Where the tenant's tree stands in this work: read once, grown in memory, written once when the work ends.

    `before` is what an earlier work of the same batch left. It may be trusted because the batch holds the write lock.
    """

    __slots__ = ("_before", "_frontier", "_statements")

    def __init__(self, statements: Statements, before: Frontier | None) -> None:
        self._statements = statements
        self._before = before
        self._frontier = before

    async def frontier(self) -> Frontier:
        if self._frontier is None:
            row = await self._statements.row(FRONTIER)
            self._before = self._frontier = EMPTY if row is None else Frontier.from_bytes(row[0])
        return self._frontier

    def grow(self, frontier: Frontier) -> None:
        self._frontier = frontier

    @property
    def grown(self) -> Frontier | None:
        """Where the tree stands if it grew in this work."""
        return self._frontier if self._frontier is not self._before else None

    async def save(self) -> None:
        """Write the tree if it grew."""
        if (grown := self.grown) is not None:
            await self._statements.rows(SAVE, **saved(grown))


def saved(frontier: Frontier) -> dict[str, int | bytes]:
    """Return how a tree is written."""
    return {"size": frontier.size, "frontier": frontier.to_bytes()}


class AuditTables:
    __slots__ = ("_statements", "_tree")

    def __init__(self, statements: Statements, tree: TreeInWork) -> None:
        self._statements = statements
        self._tree = tree

    async def leaves(self, start: int, *, limit: int = 1000) -> tuple[tuple[int, bytes, bytes], ...]:
        return tuple(
            (seq, as_bytes(body), as_bytes(leaf))
            for seq, body, leaf in await self._statements.rows(LEAVES, start=start, limit=limit)
        )

    async def tree(self) -> TreeState:
        frontier = await self._tree.frontier()
        return TreeState(size=frontier.size, root=frontier.root())

    async def checkpoints(self) -> tuple[tuple[int, str], ...]:
        return tuple((size, note) for size, note in await self._statements.rows(CHECKPOINTS))

    async def signed(self) -> int:
        row = await self._statements.row(SIGNED)
        return row[0] or 0 if row is not None else 0

    async def newest(self) -> str | None:
        row = await self._statements.row(NEWEST)
        return None if row is None else str(row[0])

    async def add_checkpoint(self, size: int, note: str, *, at: datetime) -> bool:
        return await self._statements.touched(ADD_CHECKPOINT, size=size, note=note, at=to_ms(at))
