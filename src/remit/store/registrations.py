"""Tokens of registration: those with which strangers may register, and those with which a client manages itself."""

from __future__ import annotations

from datetime import datetime

from remit.core.admission import InitialToken
from remit.core.credentials import StoredSecret
from remit.core.names import ClientId
from remit.store.clients import secret_of
from remit.store.columns import from_ms, to_ms
from remit.store.statements import Row, Statements

ADD = """
insert into initial_token (tenant, id, digest, note, uses, created_at, expires_at)
values (:tenant, :id, :digest, :note, :uses, :created_at, :expires_at)
"""

GET = """
select id, digest, note, uses, created_at, expires_at from initial_token where tenant = :tenant and id = :id
"""

LIST = """
select id, digest, note, uses, created_at, expires_at from initial_token
 where tenant = :tenant order by id desc limit 200
"""

USE = """
update initial_token set uses = uses - 1
 where tenant = :tenant and id = :id and uses > 0 and expires_at > :at
returning 1
"""

END = """
update initial_token set uses = 0 where tenant = :tenant and id = :id
"""

ACCESS = """
select id, digest, created_at, null from client_access where tenant = :tenant and client_id = :client
"""

SET_ACCESS = """
insert into client_access (tenant, client_id, id, digest, created_at) values (:tenant, :client, :id, :digest, :at)
on conflict (tenant, client_id) do update
   set id = excluded.id, digest = excluded.digest, created_at = excluded.created_at
"""


class RegistrationTables:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, token: InitialToken) -> None:
        await self._statements.rows(
            ADD,
            id=token.id,
            digest=token.digest,
            note=token.note,
            uses=token.uses,
            created_at=to_ms(token.created_at),
            expires_at=to_ms(token.expires_at),
        )

    async def get(self, token: str) -> InitialToken | None:
        row = await self._statements.row(GET, id=token)
        return None if row is None else _token(row)

    async def list(self) -> tuple[InitialToken, ...]:
        return tuple(_token(row) for row in await self._statements.rows(LIST))

    async def use(self, token: str, *, at: datetime) -> bool:
        return await self._statements.touched(USE, id=token, at=to_ms(at))

    async def end(self, token: str) -> None:
        await self._statements.rows(END, id=token)

    async def access(self, client: ClientId) -> StoredSecret | None:
        row = await self._statements.row(ACCESS, client=client)
        return None if row is None else secret_of(row)

    async def set_access(self, client: ClientId, access: StoredSecret) -> None:
        await self._statements.rows(
            SET_ACCESS, client=client, id=access.id, digest=access.digest, at=to_ms(access.created_at)
        )


def _token(row: Row) -> InitialToken:
    id_, digest, note, uses, created_at, expires_at = row
    return InitialToken(
        id=id_, digest=digest, note=note, uses=uses, created_at=from_ms(created_at), expires_at=from_ms(expires_at)
    )
