"""What guards reported: which reports we have seen, and how often each scope was used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from remit.core.names import AgentId, GrantId
from remit.ports.work import Usage
from remit.store.columns import from_ms, to_ms
from remit.store.statements import Statements

REMEMBER = """
insert into decision_report (tenant, id, at) values (:tenant, :id, :at)
on conflict (tenant, id) do nothing returning 1
"""

COUNT = """
insert into scope_usage (tenant, grant_id, scope, count, denied, last_at)
values (:tenant, :grant, :scope, :permitted, :denied, :at)
on conflict (tenant, grant_id, scope) do update
   set count = scope_usage.count + excluded.count,
       denied = scope_usage.denied + excluded.denied,
       last_at = case when excluded.last_at > scope_usage.last_at then excluded.last_at else scope_usage.last_at end
"""

USAGE = """
select grant_id, scope, count, denied, last_at
  from scope_usage where tenant = :tenant and grant_id = :grant order by scope
"""

LAST_USED = """
select g.agent_id, max(u.last_at)
  from scope_usage u join grants g on g.tenant = u.tenant and g.id = u.grant_id
 where u.tenant = :tenant and u.count > 0
 group by g.agent_id
"""


class DecisionTables:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def fresh(self, ids: Sequence[str], *, at: datetime) -> frozenset[str]:
        moment = to_ms(at)
        return frozenset([id_ for id_ in ids if await self._statements.touched(REMEMBER, id=id_, at=moment)])

    async def count(self, grant: GrantId, scope: str, *, permitted: bool, at: datetime) -> None:
        await self._statements.rows(
            COUNT, grant=grant, scope=scope, permitted=int(permitted), denied=int(not permitted), at=to_ms(at)
        )

    async def usage(self, grants: Sequence[GrantId]) -> tuple[Usage, ...]:
        return tuple(
            [
                Usage(grant=GrantId(grant), scope=scope, count=count, denied=denied, last_at=from_ms(last_at))
                for wanted in grants
                for grant, scope, count, denied, last_at in await self._statements.rows(USAGE, grant=wanted)
            ]
        )

    async def last_used(self) -> dict[AgentId, datetime]:
        return {AgentId(agent): from_ms(at) for agent, at in await self._statements.rows(LAST_USED)}
