"""What was settled once: which keys and which base URL an instance was made with."""

from __future__ import annotations

from remit.store.statements import Statements

RECALL = """
select value from fact where tenant = :tenant and name = :name
"""

SETTLE = """
insert into fact (tenant, name, value) values (:tenant, :name, :value) on conflict (tenant, name) do nothing
"""

CHANGE = """
update fact set value = :value where tenant = :tenant and name = :name
"""


class FactTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def recall(self, name: str) -> str | None:
        row = await self._statements.row(RECALL, name=name)
        return None if row is None else str(row[0])

    async def settle(self, name: str, value: str) -> str:
        await self._statements.rows(SETTLE, name=name, value=value)
        return await self.recall(name) or value

    async def change(self, name: str, value: str) -> None:
        await self._statements.rows(CHANGE, name=name, value=value)
