"""Authorization codes."""

from __future__ import annotations

from datetime import datetime

from remit.core.grants import Code, CodeState
from remit.core.names import ClientId, LineId
from remit.store.columns import from_json, from_ms, to_json, to_ms
from remit.store.statements import Statements

FIND = """
select id, digest, line_id, client_id, redirect_uri, redirect_sent, challenge, nonce, auth_time, amr, jkt, state,
       expires_at
  from code where tenant = :tenant and id = :id
"""

ADD = """
insert into code (tenant, id, digest, line_id, client_id, redirect_uri, redirect_sent, challenge, nonce, auth_time, amr,
                  jkt, state, expires_at)
values (:tenant, :id, :digest, :line, :client, :redirect_uri, :redirect_sent, :challenge, :nonce, :auth_time, :amr,
        :jkt, :state, :expires_at)
"""

SPEND = """
update code set state = 'spent', spent_at = :at
 where tenant = :tenant and id = :id and state = 'live'
returning 1
"""


class CodeTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, id: str) -> Code | None:
        row = await self._statements.row(FIND, id=id)
        if row is None:
            return None
        found, digest, line, client, uri, sent, challenge, nonce, auth_time, amr, jkt, state, expires_at = row
        return Code(
            id=found,
            digest=digest,
            line=LineId(line),
            client=ClientId(client),
            redirect_uri=uri,
            redirect_sent=bool(sent),
            challenge=challenge,
            nonce=nonce,
            auth_time=from_ms(auth_time),
            amr=from_json(amr),
            jkt=jkt,
            state=CodeState(state),
            expires_at=from_ms(expires_at),
        )

    async def add(self, code: Code) -> None:
        await self._statements.rows(
            ADD,
            id=code.id,
            digest=code.digest,
            line=code.line,
            client=code.client,
            redirect_uri=code.redirect_uri,
            redirect_sent=int(code.redirect_sent),
            challenge=code.challenge,
            nonce=code.nonce,
            auth_time=to_ms(code.auth_time),
            amr=to_json(code.amr),
            jkt=code.jkt,
            state=code.state.value,
            expires_at=to_ms(code.expires_at),
        )

    async def spend(self, code: Code, *, at: datetime) -> bool:
        return await self._statements.touched(SPEND, id=code.id, at=to_ms(at))
