"""Refresh tokens. Each asks its line whether it was revoked, so that nothing has to find all tokens of a line."""

from __future__ import annotations

from datetime import datetime

from remit.core.names import LineId
from remit.core.tokens import RefreshState, RefreshToken
from remit.store.columns import from_ms, maybe_from_ms, maybe_to_ms, to_ms
from remit.store.statements import Statements

FIND = """
select t.id, t.digest, t.line_id, case when l.state = 'revoked' then 'revoked' else t.state end, t.issued_at,
       t.expires_at, t.spent_at, t.successor, t.sealed,
       case when s.id is not null and l.state = 'revoked' then 'revoked' else s.state end, t.jkt, s.jkt
  from refresh_token t
  join line l on l.tenant = t.tenant and l.id = t.line_id
  left join refresh_token s on s.tenant = t.tenant and s.id = t.successor
 where t.tenant = :tenant and t.id = :id
"""

ADD = """
insert into refresh_token (tenant, id, digest, line_id, state, issued_at, expires_at, spent_at, successor, sealed,
                           jkt)
values (:tenant, :id, :digest, :line, :state, :issued_at, :expires_at, :spent_at, :successor, :sealed,
        :jkt)
"""

SPEND = """
update refresh_token set state = 'spent', spent_at = :at, successor = :successor, sealed = :sealed
 where tenant = :tenant and id = :id and state = 'live'
returning 1
"""


class RefreshTokenTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, id: str) -> RefreshToken | None:
        row = await self._statements.row(FIND, id=id)
        if row is None:
            return None
        (
            found,
            digest,
            line,
            state,
            issued_at,
            expires_at,
            spent_at,
            successor,
            sealed,
            successor_state,
            jkt,
            successor_jkt,
        ) = row
        return RefreshToken(
            id=found,
            digest=digest,
            line=LineId(line),
            state=RefreshState(state),
            issued_at=from_ms(issued_at),
            expires_at=from_ms(expires_at),
            spent_at=maybe_from_ms(spent_at),
            successor=successor,
            sealed=sealed,
            successor_state=None if successor_state is None else RefreshState(successor_state),
            jkt=jkt,
            successor_jkt=successor_jkt,
        )

    async def add(self, token: RefreshToken) -> None:
        await self._statements.rows(
            ADD,
            id=token.id,
            digest=token.digest,
            line=token.line,
            state=token.state.value,
            issued_at=to_ms(token.issued_at),
            expires_at=to_ms(token.expires_at),
            spent_at=maybe_to_ms(token.spent_at),
            successor=token.successor,
            sealed=token.sealed,
            jkt=token.jkt,
        )

    async def spend(self, token: RefreshToken, *, successor: str, sealed: bytes, at: datetime) -> bool:
        return await self._statements.touched(SPEND, id=token.id, successor=successor, sealed=sealed, at=to_ms(at))
