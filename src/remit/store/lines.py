"""Lines: one approval of a grant each."""

from __future__ import annotations

from datetime import datetime

from remit.core.grants import GrantState, Line
from remit.core.names import AgentId, ClientId, GrantId, LineId, ResourceId, SessionId, UserId
from remit.store.columns import LAST_ID, from_ms, set_from_json, set_to_json, to_ms
from remit.store.statements import Row, Statements

GET = """
select id, grant_id, user_id, agent_id, client_id, client_version, redirect_uri, resource_id, scopes, session_id,
       while_away, state, created_at, expires_at, details
  from line where tenant = :tenant and id = :id
"""

LIST = """
select id, grant_id, user_id, agent_id, client_id, client_version, redirect_uri, resource_id, scopes, session_id,
       while_away, state, created_at, expires_at, details
  from line
 where tenant = :tenant and id in (select id from line where tenant = :tenant and grant_id = :grant)
 order by id
"""

LIST_OF_SESSION = """
select id, grant_id, user_id, agent_id, client_id, client_version, redirect_uri, resource_id, scopes, session_id,
       while_away, state, created_at, expires_at, details
  from line
 where tenant = :tenant and id in (select id from line where tenant = :tenant and session_id = :session)
 order by id
"""

PAGE = """
select id, grant_id, user_id, agent_id, client_id, client_version, redirect_uri, resource_id, scopes, session_id,
       while_away, state, created_at, expires_at, details
  from line where tenant = :tenant and grant_id = :grant and id < :before order by id desc limit :limit
"""

ADD = """
insert into line (tenant, id, grant_id, user_id, agent_id, client_id, client_version, redirect_uri, resource_id, scopes,
                  session_id, while_away, state, created_at, expires_at, details)
values (:tenant, :id, :grant, :user, :agent, :client, :client_version, :redirect_uri, :resource, :scopes, :session,
        :while_away, :state, :created_at, :expires_at, :details)
"""

REVOKE = """
update line set state = 'revoked', revoked_at = :at, revoked_why = :reason
 where tenant = :tenant and id = :id and state = 'active'
returning 1
"""


class LineTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, line: LineId) -> Line | None:
        row = await self._statements.row(GET, id=line)
        return None if row is None else _line(row)

    async def list(self, grant: GrantId) -> tuple[Line, ...]:
        return tuple(_line(row) for row in await self._statements.rows(LIST, grant=grant))

    async def of_session(self, session: SessionId) -> tuple[Line, ...]:
        return tuple(_line(row) for row in await self._statements.rows(LIST_OF_SESSION, session=session))

    async def page(self, grant: GrantId, *, before: str | None = None, limit: int) -> tuple[Line, ...]:
        newest = LAST_ID if before is None else before
        return tuple(_line(row) for row in await self._statements.rows(PAGE, grant=grant, before=newest, limit=limit))

    async def add(self, line: Line) -> None:
        await self._statements.rows(
            ADD,
            id=line.id,
            grant=line.grant,
            user=line.user,
            agent=line.agent,
            client=line.client,
            client_version=line.client_version,
            redirect_uri=line.redirect_uri,
            resource=line.resource,
            scopes=set_to_json(line.scopes),
            session=line.session,
            while_away=int(line.while_away),
            state=line.state.value,
            created_at=to_ms(line.created_at),
            expires_at=to_ms(line.expires_at),
            details=line.details,
        )

    async def revoke(self, line: LineId, *, at: datetime, reason: str) -> bool:
        return await self._statements.touched(REVOKE, id=line, at=to_ms(at), reason=reason)


def _line(row: Row) -> Line:
    (
        id_,
        grant,
        user,
        agent,
        client,
        client_version,
        redirect_uri,
        resource,
        scopes,
        session,
        while_away,
        state,
        created_at,
        expires_at,
        details,
    ) = row
    return Line(
        id=LineId(id_),
        grant=GrantId(grant),
        user=UserId(user),
        agent=AgentId(agent),
        client=ClientId(client),
        client_version=client_version,
        redirect_uri=redirect_uri,
        resource=ResourceId(resource),
        scopes=set_from_json(scopes),
        session=SessionId(session),
        while_away=bool(while_away),
        state=GrantState(state),
        created_at=from_ms(created_at),
        expires_at=from_ms(expires_at),
        details=details,
    )
