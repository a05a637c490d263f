"""Pushed authorization requests, until they are answered or too old."""

from __future__ import annotations

from remit.core.names import ClientId
from remit.core.oauth.pushed import PushedRequest
from remit.store.columns import from_ms, pairs_from_json, pairs_to_json, to_ms
from remit.store.statements import Statements

FIND = """
select id, digest, client_id, parameters, expires_at from pushed_request where tenant = :tenant and id = :id
"""

ADD = """
insert into pushed_request (tenant, id, digest, client_id, parameters, expires_at)
values (:tenant, :id, :digest, :client, :parameters, :expires_at)
"""

DROP = """
delete from pushed_request where tenant = :tenant and id = :id
"""


class PushedRequestTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, id: str) -> PushedRequest | None:
        row = await self._statements.row(FIND, id=id)
        if row is None:
            return None
        found, digest, client, parameters, expires_at = row
        return PushedRequest(
            id=found,
            digest=digest,
            client=ClientId(client),
            parameters=tuple(pairs_from_json(parameters)),
            expires_at=from_ms(expires_at),
        )

    async def add(self, pushed: PushedRequest) -> None:
        await self._statements.rows(
            ADD,
            id=pushed.id,
            digest=pushed.digest,
            client=pushed.client,
            parameters=pairs_to_json(pushed.parameters),
            expires_at=to_ms(pushed.expires_at),
        )

    async def drop(self, id: str) -> None:
        await self._statements.rows(DROP, id=id)
