"""What a repository holds of a database: statements inside one tenant, as long as its work is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from remit.core.names import TenantId
from remit.store.columns import check_text

Value = str | int | bytes | None
Row = tuple[Any, ...]


class Connection(Protocol):
    """One transaction of an engine: all that repositories need of it."""

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]: ...


class Statements:
    """Runs statements with `:tenant` filled in, so that no repository can name another tenant."""

    __slots__ = ("_closed", "_connection", "_tenant")

    def __init__(self, connection: Connection, tenant: TenantId) -> None:
        self._connection = connection
        self._tenant = tenant
        self._closed: str | None = None

    @property
    def tenant(self) -> TenantId:
        return self._tenant

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
        params["tenant"] = self._tenant
        return await self._connection.fetch(sql, params)

    async def row(self, sql: str, **params: Value) -> Row | None:
        """Run a statement that finds at most one row."""
        found = await self.rows(sql, **params)
        return found[0] if found else None

    async def touched(self, sql: str, **params: Value) -> bool:
        """Run a statement that says `returning 1`; False when it touched no row."""
        return bool(await self.rows(sql, **params))
