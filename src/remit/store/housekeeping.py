"""Dropping what is past its use. Nothing here changes what anybody may do: it was dead before."""

from __future__ import annotations

from datetime import datetime, timedelta

from remit.core.sessions import SESSION_ABSOLUTE
from remit.core.totp import PENDING
from remit.store.columns import to_ms
from remit.store.events import EventTable
from remit.store.statements import Statements

DROP_CODES = """
delete from code where tenant = :tenant and id in (
       select id from code
        where tenant = :tenant and (expires_at < :before or (state = 'live' and expires_at < :now))
        order by id limit 500)
returning 1
"""

DROP_PUSHED_REQUESTS = """
delete from pushed_request where tenant = :tenant and id in (
       select id from pushed_request where tenant = :tenant and expires_at < :before order by id limit 500)
returning 1
"""

DROP_DEVICE_REQUESTS = """
delete from device_request where tenant = :tenant and id in (
       select id from device_request
        where tenant = :tenant and (expires_at < :before or (state = 'pending' and expires_at < :unanswered))
        order by id limit 500)
returning 1
"""

DROP_REFRESH_TOKENS = """
delete from refresh_token where tenant = :tenant and id in (
       select id from refresh_token where tenant = :tenant and expires_at < :before order by id limit 500)
returning 1
"""

DROP_ONCE = """
delete from once where tenant = :tenant and (kind, key) in (
       select kind, key from once where tenant = :tenant and until < :before order by kind, key limit 500)
returning 1
"""

DROP_REPLIES = """
delete from reply where tenant = :tenant and (caller, key) in (
       select caller, key from reply where tenant = :tenant and until < :before order by caller, key limit 500)
returning 1
"""

DROP_SESSIONS = """
delete from login_session where tenant = :tenant and id in (
       select id from login_session
        where tenant = :tenant and (ended_at < :before or auth_time < :started_before) order by id limit 500)
returning 1
"""

DROP_UNCONFIRMED = """
delete from second_factor where tenant = :tenant and confirmed_at is null and created_at < :before returning 1
"""

DROP_REPORTS = """
delete from decision_report where tenant = :tenant and id in (
       select id from decision_report where tenant = :tenant and at < :before order by id limit 500)
returning 1
"""

KEEP_TOKENS = timedelta(days=1)
"""How long a redeemed code and a refresh token are kept after their end: shown again, they are known for what they are.

A code that nobody redeemed proves nothing any more and goes at once (B-CODE-06).
"""

KEEP_UNANSWERED = timedelta(minutes=10)
"""How long a device is still told that nobody answered it in time."""

KEEP_SESSIONS = timedelta(days=30)
KEEP_REPORTS = timedelta(days=7)
"""How long a report of a guard is known: longer than any guard repeats one."""


class Housekeeping:
    __slots__ = ("_events", "_statements")

    def __init__(self, statements: Statements, events: EventTable) -> None:
        self._statements = statements
        self._events = events

    async def purge(self, *, now: datetime) -> int:
        """Drop some of what is past its use; return how many rows, 0 when nothing is left."""
        tokens, started = to_ms(now - KEEP_TOKENS), to_ms(now - SESSION_ABSOLUTE - KEEP_SESSIONS)
        dropped = [
            await self._statements.rows(DROP_CODES, before=tokens, now=to_ms(now)),
            await self._statements.rows(DROP_PUSHED_REQUESTS, before=to_ms(now)),
            await self._statements.rows(DROP_DEVICE_REQUESTS, before=tokens, unanswered=to_ms(now - KEEP_UNANSWERED)),
            await self._statements.rows(DROP_REFRESH_TOKENS, before=tokens),
            await self._statements.rows(DROP_ONCE, before=to_ms(now)),
            await self._statements.rows(DROP_REPLIES, before=to_ms(now)),
            await self._statements.rows(DROP_SESSIONS, before=to_ms(now - KEEP_SESSIONS), started_before=started),
            await self._statements.rows(DROP_UNCONFIRMED, before=to_ms(now - PENDING)),
            await self._statements.rows(DROP_REPORTS, before=to_ms(now - KEEP_REPORTS)),
        ]
        return sum(len(rows) for rows in dropped) + await self._events.close_minutes(at=now)
