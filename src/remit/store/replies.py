"""Answers that were given, kept under the key that their caller chose, so that asking twice does it once."""

from __future__ import annotations

from datetime import datetime

from remit.ports.work import Reply
from remit.store.columns import as_bytes, to_ms
from remit.store.statements import Statements

FIND = """
select request, status, body from reply
 where tenant = :tenant and caller = :caller and key = :key and until > :at
"""

KEEP = """
insert into reply (tenant, caller, key, request, status, body, until)
values (:tenant, :caller, :key, :request, :status, :body, :until)
on conflict (tenant, caller, key) do update
   set request = excluded.request, status = excluded.status, body = excluded.body, until = excluded.until
"""


class ReplyTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, caller: str, key: str, *, at: datetime) -> Reply | None:
        row = await self._statements.row(FIND, caller=caller, key=key, at=to_ms(at))
        if row is None:
            return None
        request, status, body = row
        return Reply(request=as_bytes(request), status=status, body=as_bytes(body))

    async def keep(self, caller: str, key: str, reply: Reply, *, until: datetime) -> None:
        await self._statements.rows(
            KEEP,
            caller=caller,
            key=key,
            request=reply.request,
            status=reply.status,
            body=reply.body,
            until=to_ms(until),
        )
