"""What a repository holds of a database: statements inside one tenant, as long as its work is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast

from remit.core.names import TenantId
from remit.store.columns import check_text
from remit.store.recall import Change, Recall, change_of, new_stamp

Value = str | int | bytes | None
Row = tuple[Any, ...]
Item = TypeVar("Item")

HEAD = """
select rights_on, epoch, stamp, stop_stamp from tenant where tenant = :tenant
"""

DRAW_STAMP = """
update tenant set stamp = :stamp where tenant = :tenant
"""

DRAW_STOP_STAMP = """
update tenant set stop_stamp = :stamp where tenant = :tenant
"""

_DRAW = {Change.AUTHORITY: DRAW_STAMP, Change.STOPS: DRAW_STOP_STAMP}


class Connection(Protocol):
    """One transaction of an engine: all that repositories need of it."""

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a work reads first, and once: where its tenant stands."""

    rights_on: bool
    epoch: int
    stamp: int
    stop_stamp: int


class Statements:
    """Runs statements with `:tenant` filled in, so that no repository can name another tenant.

    It also keeps the promise of `Recall`: what a work has changed, or may see changed but not yet committed, is neither
    remembered nor recalled.
    """

    __slots__ = ("_changed", "_closed", "_connection", "_head", "_oldest", "_recall", "_tenant")

    def __init__(self, connection: Connection, tenant: TenantId, recall: Recall | None = None) -> None:
        """Without `recall` every question goes to the database."""
        self._connection = connection
        self._tenant = tenant
        self._recall = recall
        self._closed: str | None = None
        self._head: Head | None = None
        self._changed = Change.NONE
        self._oldest: float | None = None

    @property
    def tenant(self) -> TenantId:
        return self._tenant

    @property
    def changed(self) -> bool:
        """Whether this work has written something that could be remembered."""
        return self._changed is not Change.NONE

    def close(self, why: str) -> None:
        """Refuse every later statement: the work is over."""
        self._closed = why

    async def rows(self, sql: str, **params: Value) -> list[Row]:
        """Run one statement and return all its rows.

        Raises:
            RuntimeError: the work that this belongs to is over.
            BadText: a text that not every database can keep.
        """
        if self._closed is not None:
            raise RuntimeError(self._closed)
        for value in params.values():
            if isinstance(value, str):
                check_text(value)
        change = change_of(sql)
        if change:
            await self._draw(change)
        params["tenant"] = self._tenant
        return await self._connection.fetch(sql, params)

    async def row(self, sql: str, **params: Value) -> Row | None:
        """Run a statement that finds at most one row."""
        found = await self.rows(sql, **params)
        return found[0] if found else None

    async def touched(self, sql: str, **params: Value) -> bool:
        """Run a statement that says `returning 1`; False when it touched no row."""
        return bool(await self.rows(sql, **params))

    async def head(self) -> Head | None:
        """Return where the tenant stands as this work sees it; None when there is no such tenant."""
        if self._closed is not None:
            raise RuntimeError(self._closed)
        if self._head is None:
            row = await self.row(HEAD)
            if row is None:
                return None
            rights_on, epoch, stamp, stop_stamp = row
            self._head = Head(rights_on=bool(rights_on), epoch=int(epoch), stamp=stamp, stop_stamp=stop_stamp)
        return self._head

    async def recalled(
        self, kind: str, key: Hashable, read: Callable[[], Awaitable[Item | None]], *, stops: bool = False
    ) -> Item | None:
        """Return an item as it stands in this work: remembered, if nothing changed since it was read; or read now.

        `stops` says that the item also depends on stops. What was not found is asked for every time.
        """
        recall = self._recall
        if recall is None or self._changed or (head := await self.head()) is None:
            return await read()
        stamp: Hashable = (head.stamp, head.stop_stamp) if stops else head.stamp
        found = recall.get(kind, self._tenant, key, stamp)
        if found is not None:
            return cast("Item", self._noted(found))
        item = await read()
        if item is not None:
            recall.put(kind, self._tenant, key, stamp, item)
        return item

    async def conclusion(self, kind: str, key: Hashable) -> object | None:
        """Return what a work concluded, here or elsewhere, if nothing that is remembered has changed since."""
        recall = self._recall
        if recall is None or self._changed or (head := await self.head()) is None:
            return None
        found = recall.get(kind, self._tenant, key, (head.stamp, head.stop_stamp))
        return None if found is None else self._noted(found)

    def conclude(self, kind: str, key: Hashable, item: object) -> None:
        """Keep what this work concluded from what it read and recalled. It is as old as the oldest thing recalled."""
        recall, head = self._recall, self._head
        if recall is not None and head is not None and not self._changed:
            stamp = (head.stamp, head.stop_stamp)
            recall.put(kind, self._tenant, key, stamp, item, read_at=self._oldest)

    def _noted(self, found: tuple[object, float]) -> object:
        item, read_at = found
        if self._oldest is None or read_at < self._oldest:
            self._oldest = read_at
        return item

    async def _draw(self, change: Change) -> None:
        """Draw a new stamp before the first change of its kind; from there on this work believes the database only."""
        self._head = None
        if change <= self._changed:
            return
        self._changed = change
        await self._connection.fetch(_DRAW[change], {"stamp": new_stamp(), "tenant": self._tenant})
