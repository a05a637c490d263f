"""Second factors of users: the sealed secret of an app, and digests of recovery codes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from remit.core.names import UserId
from remit.core.totp import SecondFactor
from remit.store.columns import from_ms, maybe_from_ms, to_ms
from remit.store.statements import Statements

FIND = """
select user_id, sealed, last_step, created_at, confirmed_at
  from second_factor where tenant = :tenant and user_id = :user
"""

BEGIN = """
insert into second_factor (tenant, user_id, sealed, last_step, created_at, confirmed_at)
values (:tenant, :user, :sealed, :step, :at, null)
    on conflict (tenant, user_id) do update
   set sealed = excluded.sealed, last_step = excluded.last_step, created_at = excluded.created_at
 where second_factor.confirmed_at is null
returning 1
"""

CONFIRM = """
update second_factor set confirmed_at = :at, last_step = :step
 where tenant = :tenant and user_id = :user and confirmed_at is null and created_at = :created_at
returning 1
"""

SPEND_STEP = """
update second_factor set last_step = :step
 where tenant = :tenant and user_id = :user and confirmed_at is not null and last_step < :step
returning 1
"""

DROP = """
delete from second_factor where tenant = :tenant and user_id = :user returning 1
"""

ADD_RECOVERY = """
insert into recovery_code (tenant, user_id, tag, spent_at) values (:tenant, :user, :tag, null)
"""

DROP_RECOVERY = """
delete from recovery_code where tenant = :tenant and user_id = :user
"""

SPEND_RECOVERY = """
update recovery_code set spent_at = :at
 where tenant = :tenant and user_id = :user and tag = :tag and spent_at is null
returning 1
"""

RECOVERY_LEFT = """
select count(*) from recovery_code where tenant = :tenant and user_id = :user and spent_at is null
"""


class SecondFactorTables:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def find(self, user: UserId) -> SecondFactor | None:
        row = await self._statements.row(FIND, user=user)
        if row is None:
            return None
        user_id, sealed, last_step, created_at, confirmed_at = row
        return SecondFactor(
            user=UserId(user_id),
            sealed=sealed,
            last_step=last_step,
            created_at=from_ms(created_at),
            confirmed_at=maybe_from_ms(confirmed_at),
        )

    async def begin(self, factor: SecondFactor) -> bool:
        return await self._statements.touched(
            BEGIN, user=factor.user, sealed=factor.sealed, step=factor.last_step, at=to_ms(factor.created_at)
        )

    async def confirm(self, factor: SecondFactor, *, step: int, at: datetime) -> bool:
        return await self._statements.touched(
            CONFIRM, user=factor.user, created_at=to_ms(factor.created_at), step=step, at=to_ms(at)
        )

    async def spend_step(self, user: UserId, step: int) -> bool:
        return await self._statements.touched(SPEND_STEP, user=user, step=step)

    async def drop(self, user: UserId) -> bool:
        await self._statements.rows(DROP_RECOVERY, user=user)
        return await self._statements.touched(DROP, user=user)

    async def set_recovery(self, user: UserId, tags: Iterable[str]) -> None:
        await self._statements.rows(DROP_RECOVERY, user=user)
        for tag in tags:
            await self._statements.rows(ADD_RECOVERY, user=user, tag=tag)

    async def spend_recovery(self, user: UserId, tag: str, *, at: datetime) -> bool:
        return await self._statements.touched(SPEND_RECOVERY, user=user, tag=tag, at=to_ms(at))

    async def recovery_left(self, user: UserId) -> int:
        row = await self._statements.row(RECOVERY_LEFT, user=user)
        return 0 if row is None else int(row[0])
