"""Login sessions."""

from __future__ import annotations

from datetime import datetime

from remit.core.names import SessionId, UserId
from remit.core.sessions import LoginSession
from remit.store.columns import from_json, from_ms, maybe_from_ms, maybe_to_ms, to_json, to_ms
from remit.store.statements import Statements

FIND = """
select id, digest, user_id, auth_time, amr, last_seen, ended_at, follows
  from login_session where tenant = :tenant and id = :id
"""

ADD = """
insert into login_session (tenant, id, digest, user_id, auth_time, amr, last_seen, ended_at, follows)
values (:tenant, :id, :digest, :user, :auth_time, :amr, :last_seen, :ended_at, :follows)
"""

TOUCH = """
update login_session set last_seen = :at
 where tenant = :tenant and id = :id and ended_at is null and last_seen < :at
"""

END = """
update login_session set ended_at = :at where tenant = :tenant and id = :id and ended_at is null returning 1
"""


class SessionTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, session: SessionId) -> LoginSession | None:
        row = await self._statements.row(FIND, id=session)
        if row is None:
            return None
        id_, digest, user, auth_time, amr, last_seen, ended_at, follows = row
        return LoginSession(
            id=SessionId(id_),
            digest=digest,
            user=UserId(user),
            auth_time=from_ms(auth_time),
            amr=from_json(amr),
            last_seen=from_ms(last_seen),
            ended_at=maybe_from_ms(ended_at),
            follows=None if follows is None else SessionId(follows),
        )

    async def add(self, session: LoginSession) -> None:
        await self._statements.rows(
            ADD,
            id=session.id,
            digest=session.digest,
            user=session.user,
            auth_time=to_ms(session.auth_time),
            amr=to_json(session.amr),
            last_seen=to_ms(session.last_seen),
            ended_at=maybe_to_ms(session.ended_at),
            follows=session.follows,
        )

    async def touch(self, session: SessionId, *, at: datetime) -> None:
        await self._statements.rows(TOUCH, id=session, at=to_ms(at))

    async def end(self, session: SessionId, *, at: datetime) -> bool:
        return await self._statements.touched(END, id=session, at=to_ms(at))
