"""The outbox of sign-outs: which client is still to be told of which login session."""

from __future__ import annotations

from datetime import datetime

from remit.core.names import ClientId, SessionId, UserId
from remit.core.oauth.logout import LogoutNotice
from remit.store.columns import from_ms, to_ms
from remit.store.statements import Statements

ADD = """
insert into logout_notice (tenant, id, client_id, user_id, session_id, tries, due_at, created_at)
values (:tenant, :id, :client, :user, :session, :tries, :due_at, :at)
"""

DUE = """
select 1 from logout_notice where tenant = :tenant and due_at <= :now limit 1
"""

# The second condition is for whoever waited for the row: by then it is no longer due.
TAKE = """
update logout_notice set tries = tries + 1, due_at = :until
 where tenant = :tenant and due_at <= :now and id in (
       select id from logout_notice where tenant = :tenant and due_at <= :now order by due_at, id limit :limit)
returning id, client_id, user_id, session_id, tries, created_at
"""

DROP = """
delete from logout_notice where tenant = :tenant and id = :id and tries = :tries returning 1
"""

POSTPONE = """
update logout_notice set due_at = :due_at, tries = :left where tenant = :tenant and id = :id and tries = :tries
returning 1
"""


class LogoutNoticeTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def add(self, notice: LogoutNotice) -> None:
        await self._statements.rows(
            ADD,
            id=notice.id,
            client=notice.client,
            user=notice.user,
            session=notice.session,
            tries=notice.tries,
            due_at=to_ms(notice.created_at),
            at=to_ms(notice.created_at),
        )

    async def due(self, now: datetime) -> bool:
        return bool(await self._statements.rows(DUE, now=to_ms(now)))

    async def take(self, *, now: datetime, until: datetime, limit: int) -> tuple[LogoutNotice, ...]:
        rows = await self._statements.rows(TAKE, now=to_ms(now), until=to_ms(until), limit=limit)
        return tuple(
            LogoutNotice(
                id=id_,
                client=ClientId(client),
                user=UserId(user),
                session=SessionId(session),
                tries=tries,
                created_at=from_ms(created_at),
            )
            for id_, client, user, session, tries, created_at in rows
        )

    async def drop(self, notice: LogoutNotice) -> bool:
        return await self._statements.touched(DROP, id=notice.id, tries=notice.tries)

    async def postpone(self, notice: LogoutNotice, *, until: datetime, counts: bool) -> bool:
        left = notice.tries if counts else notice.tries - 1
        return await self._statements.touched(
            POSTPONE, id=notice.id, tries=notice.tries, left=left, due_at=to_ms(until)
        )
