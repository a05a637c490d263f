"""One-time keys: whoever inserts first has used it."""

from __future__ import annotations

from datetime import datetime

from remit.store.columns import to_ms
from remit.store.statements import Statements

CLAIM = """
insert into once (tenant, kind, key, until, claimed_at) values (:tenant, :kind, :key, :until, :at)
on conflict (tenant, kind, key) do nothing returning 1
"""


class OnceTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def claim(self, kind: str, key: str, *, until: datetime, at: datetime) -> bool:
        return await self._statements.touched(CLAIM, kind=kind, key=key, until=to_ms(until), at=to_ms(at))
