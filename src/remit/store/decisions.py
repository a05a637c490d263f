"""What guards reported: which reports we have seen, and how often each scope was used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from remit.core.agents import ScopeKey
from remit.core.grants import Grant
from remit.core.names import AgentId, GrantId, ResourceId
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

# An agent works for many at a time: its row is written once a minute, or all of them would wait for each other.
USED = """
insert into agent_usage (tenant, agent_id, resource_id, scope, last_at)
select cast(:tenant as text), cast(:agent as text), cast(:resource as text), cast(:scope as text), cast(:at as bigint)
 where not exists (
       select 1 from agent_usage
        where tenant = :tenant and agent_id = :agent and resource_id = :resource and scope = :scope
          and last_at > cast(:at as bigint) - 60000)
on conflict (tenant, agent_id, resource_id, scope) do update set last_at = excluded.last_at
"""

USED_BY = """
select resource_id, scope, last_at from agent_usage where tenant = :tenant and agent_id = :agent
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

    async def used(self, grant: Grant, scope: str, *, at: datetime) -> None:
        await self._statements.rows(USED, agent=grant.agent, resource=grant.resource, scope=scope, at=to_ms(at))

    async def used_by(self, agent: AgentId) -> dict[ScopeKey, datetime]:
        rows = await self._statements.rows(USED_BY, agent=agent)
        return {ScopeKey(ResourceId(resource), scope): from_ms(at) for resource, scope, at in rows}
