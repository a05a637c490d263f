"""Agents and the versions of their remits."""

from __future__ import annotations

from datetime import datetime

from remit.core.agents import Agent, AgentState, Remit, ScopeKey
from remit.core.names import AgentId, RemitId, ResourceId, UserId
from remit.store.columns import from_ms, maybe_from_ms, maybe_to_ms, pairs_from_json, pairs_to_json, to_ms
from remit.store.statements import Row, Statements

GET = """
select id, name, purpose, owner, sponsor, role, model, state, created_at
  from agent where tenant = :tenant and id = :id
"""

BY_NAME = """
select id, name, purpose, owner, sponsor, role, model, state, created_at
  from agent where tenant = :tenant and name = :name
"""

LIST = """
select id, name, purpose, owner, sponsor, role, model, state, created_at
  from agent where tenant = :tenant order by id
"""

PAGE = """
select id, name, purpose, owner, sponsor, role, model, state, created_at
  from agent where tenant = :tenant and id > :after order by id limit :limit
"""

CHANGE = """
update agent set name = :name, purpose = :purpose, owner = :owner, sponsor = :sponsor, role = :role, model = :model
 where tenant = :tenant and id = :id
"""

ADD = """
insert into agent (tenant, id, name, purpose, owner, sponsor, role, model, state, created_at)
values (:tenant, :id, :name, :purpose, :owner, :sponsor, :role, :model, :state, :created_at)
on conflict (tenant, name) do nothing returning 1
"""

SET_STATE = """
update agent set state = :state where tenant = :tenant and id = :id
"""

REMIT = """
select id, agent_id, version, scopes, expires_at, token_seconds, dpop_bound
  from remit where tenant = :tenant and agent_id = :agent and state = 'active'
"""

REMITS = """
select id, agent_id, version, scopes, expires_at, token_seconds, dpop_bound
  from remit where tenant = :tenant and agent_id = :agent and version < :before order by version desc limit :limit
"""

ACTIVE_REMITS = """
select id, agent_id, version, scopes, expires_at, token_seconds, dpop_bound
  from remit where tenant = :tenant and state = 'active' order by agent_id limit :limit
"""

SUPERSEDE = """
update remit set state = 'superseded' where tenant = :tenant and agent_id = :agent and state = 'active'
"""

PUBLISH = """
insert into remit (tenant, id, agent_id, version, scopes, expires_at, token_seconds, dpop_bound, state, created_at)
values (:tenant, :id, :agent, :version, :scopes, :expires_at, :token_seconds, :dpop_bound, 'active', :at)
"""


def agent_of(row: Row) -> Agent:
    id_, name, purpose, owner, sponsor, role, model, state, created_at = row
    return Agent(
        id=AgentId(id_),
        name=name,
        purpose=purpose,
        owner=None if owner is None else UserId(owner),
        sponsor=None if sponsor is None else UserId(sponsor),
        role=role,
        model=model,
        state=AgentState(state),
        created_at=from_ms(created_at),
    )


def remit_of(row: Row) -> Remit:
    id_, agent, version, scopes, expires_at, token_seconds, dpop_bound = row
    return Remit(
        id=RemitId(id_),
        agent=AgentId(agent),
        version=version,
        scopes=frozenset(ScopeKey(ResourceId(resource), name) for resource, name in pairs_from_json(scopes)),
        expires_at=maybe_from_ms(expires_at),
        token_seconds=token_seconds,
        dpop_bound=bool(dpop_bound),
    )


class AgentTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, agent: AgentId) -> Agent | None:
        row = await self._statements.row(GET, id=agent)
        return None if row is None else agent_of(row)

    async def by_name(self, name: str) -> Agent | None:
        row = await self._statements.row(BY_NAME, name=name)
        return None if row is None else agent_of(row)

    async def list(self) -> tuple[Agent, ...]:
        return tuple(agent_of(row) for row in await self._statements.rows(LIST))

    async def page(self, *, after: str = "", limit: int) -> tuple[Agent, ...]:
        return tuple(agent_of(row) for row in await self._statements.rows(PAGE, after=after, limit=limit))

    async def change(self, agent: Agent) -> None:
        await self._statements.rows(
            CHANGE,
            id=agent.id,
            name=agent.name,
            purpose=agent.purpose,
            owner=agent.owner,
            sponsor=agent.sponsor,
            role=agent.role,
            model=agent.model,
        )

    async def add(self, agent: Agent) -> bool:
        return await self._statements.touched(
            ADD,
            id=agent.id,
            name=agent.name,
            purpose=agent.purpose,
            owner=agent.owner,
            sponsor=agent.sponsor,
            role=agent.role,
            model=agent.model,
            state=agent.state.value,
            created_at=to_ms(agent.created_at),
        )

    async def set_state(self, agent: AgentId, state: AgentState) -> None:
        await self._statements.rows(SET_STATE, id=agent, state=state.value)

    async def remit(self, agent: AgentId) -> Remit | None:
        row = await self._statements.row(REMIT, agent=agent)
        return None if row is None else remit_of(row)

    async def remits(self, agent: AgentId, *, before: int | None = None, limit: int) -> tuple[Remit, ...]:
        newest = 2**62 if before is None else before
        rows = await self._statements.rows(REMITS, agent=agent, before=newest, limit=limit)
        return tuple(remit_of(row) for row in rows)

    async def active_remits(self, *, limit: int) -> tuple[Remit, ...]:
        return tuple(remit_of(row) for row in await self._statements.rows(ACTIVE_REMITS, limit=limit))

    async def publish(self, remit: Remit, *, at: datetime) -> None:
        await self._statements.rows(SUPERSEDE, agent=remit.agent)
        await self._statements.rows(
            PUBLISH,
            id=remit.id,
            agent=remit.agent,
            version=remit.version,
            scopes=pairs_to_json(remit.scopes),
            expires_at=maybe_to_ms(remit.expires_at),
            token_seconds=remit.token_seconds,
            dpop_bound=int(remit.dpop_bound),
            at=to_ms(at),
        )
