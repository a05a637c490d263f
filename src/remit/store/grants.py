"""Grants: the record of a yes."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from remit.core.grants import Grant, GrantState
from remit.core.names import AgentId, ClientId, GrantId, ResourceId, UserId
from remit.ports.work import GrantFilter
from remit.store.columns import LAST_ID, from_ms, maybe_from_ms, maybe_to_ms, set_from_json, set_to_json, to_ms
from remit.store.statements import Row, Statements, Value

GET = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants where tenant = :tenant and id = :id
"""

OF_USER = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants
 where tenant = :tenant and user_id = :user and client_id = :client and resource_id = :resource and state = 'active'
"""

OF_AGENT = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants
 where tenant = :tenant and user_id is null and client_id = :client and resource_id = :resource and state = 'active'
"""

LIST = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants where tenant = :tenant and (state = 'active' or :active = 0) order by id desc
"""

# Those of a user or an agent are looked up in an index first: left to itself, SQLite would walk the whole tenant.
LIST_OF_USER = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants
 where tenant = :tenant and id in (select id from grants where tenant = :tenant and user_id = :user)
   and (state = 'active' or :active = 0)
 order by id desc
"""

LIST_OF_AGENT = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants
 where tenant = :tenant and id in (select id from grants where tenant = :tenant and agent_id = :agent)
   and (state = 'active' or :active = 0)
 order by id desc
"""

PAGE = """
select id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at, expires_at
  from grants
 where tenant = :tenant and id < :before
   and (cast(:client as text) is null or client_id = :client)
   and (cast(:resource as text) is null or resource_id = :resource)
   and (cast(:state as text) is null or state = :state)
 order by id desc limit :limit
"""

# The index is read in its order and no further than the page: a list of ids would be made whole first.
PAGE_OF_USER = """
select g.id, g.user_id, g.agent_id, g.client_id, g.resource_id, g.scopes, g.purpose, g.approver, g.state, g.created_at,
       g.expires_at
  from (select id from grants where tenant = :tenant and user_id = :user and id < :before) k
  join grants g on g.tenant = :tenant and g.id = k.id
 where (cast(:client as text) is null or g.client_id = :client)
   and (cast(:agent as text) is null or g.agent_id = :agent)
   and (cast(:resource as text) is null or g.resource_id = :resource)
   and (cast(:state as text) is null or g.state = :state)
 order by k.id desc limit :limit
"""

PAGE_OF_AGENT = """
select g.id, g.user_id, g.agent_id, g.client_id, g.resource_id, g.scopes, g.purpose, g.approver, g.state, g.created_at,
       g.expires_at
  from (select id from grants where tenant = :tenant and agent_id = :agent and id < :before) k
  join grants g on g.tenant = :tenant and g.id = k.id
 where (cast(:client as text) is null or g.client_id = :client)
   and (cast(:resource as text) is null or g.resource_id = :resource)
   and (cast(:state as text) is null or g.state = :state)
 order by k.id desc limit :limit
"""

ADD = """
insert into grants (tenant, id, user_id, agent_id, client_id, resource_id, scopes, purpose, approver, state, created_at,
                    expires_at)
values (:tenant, :id, :user, :agent, :client, :resource, :scopes, :purpose, :approver, :state, :created_at,
        :expires_at)
"""

CHANGE = """
update grants set scopes = :scopes, expires_at = :expires_at where tenant = :tenant and id = :id and state = 'active'
"""

REVOKE = """
update grants set state = 'revoked', revoked_at = :at, revoked_why = :reason
 where tenant = :tenant and id = :id and state = 'active'
returning 1
"""


class GrantTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def get(self, grant: GrantId) -> Grant | None:
        return await self._statements.recalled("grant", grant, lambda: self._find(GET, id=grant))

    async def of_user(self, user: UserId, client: ClientId, resource: ResourceId) -> Grant | None:
        return await self._find(OF_USER, user=user, client=client, resource=resource)

    async def of_agent(self, client: ClientId, resource: ResourceId) -> Grant | None:
        read = partial(self._find, OF_AGENT, client=client, resource=resource)
        return await self._statements.recalled("grant_of_agent", (client, resource), read)

    async def _find(self, sql: str, **params: Value) -> Grant | None:
        row = await self._statements.row(sql, **params)
        return None if row is None else _grant(row)

    async def list(
        self, *, user: UserId | None = None, agent: AgentId | None = None, active: bool = True
    ) -> tuple[Grant, ...]:
        if user is not None:
            rows = await self._statements.rows(LIST_OF_USER, user=user, active=int(active))
        elif agent is not None:
            rows = await self._statements.rows(LIST_OF_AGENT, agent=agent, active=int(active))
        else:
            rows = await self._statements.rows(LIST, active=int(active))
        grants = (_grant(row) for row in rows)
        return tuple(grant for grant in grants if agent is None or grant.agent == agent)

    async def page(self, wanted: GrantFilter, *, before: str | None = None, limit: int) -> tuple[Grant, ...]:
        shared: dict[str, Value] = {
            "before": LAST_ID if before is None else before,
            "client": wanted.client,
            "resource": wanted.resource,
            "state": wanted.state,
            "limit": limit,
        }
        if wanted.user is not None:
            rows = await self._statements.rows(PAGE_OF_USER, user=wanted.user, agent=wanted.agent, **shared)
        elif wanted.agent is not None:
            rows = await self._statements.rows(PAGE_OF_AGENT, agent=wanted.agent, **shared)
        else:
            rows = await self._statements.rows(PAGE, **shared)
        return tuple(_grant(row) for row in rows)

    async def add(self, grant: Grant) -> None:
        await self._statements.rows(
            ADD,
            id=grant.id,
            user=grant.user,
            agent=grant.agent,
            client=grant.client,
            resource=grant.resource,
            scopes=set_to_json(grant.scopes),
            purpose=grant.purpose,
            approver=grant.approver,
            state=grant.state.value,
            created_at=to_ms(grant.created_at),
            expires_at=maybe_to_ms(grant.expires_at),
        )

    async def change(self, grant: GrantId, *, scopes: frozenset[str], expires_at: datetime | None) -> None:
        await self._statements.rows(CHANGE, id=grant, scopes=set_to_json(scopes), expires_at=maybe_to_ms(expires_at))

    async def revoke(self, grant: GrantId, *, at: datetime, reason: str) -> bool:
        return await self._statements.touched(REVOKE, id=grant, at=to_ms(at), reason=reason)


def _grant(row: Row) -> Grant:
    id_, user, agent, client, resource, scopes, purpose, approver, state, created_at, expires_at = row
    return Grant(
        id=GrantId(id_),
        user=None if user is None else UserId(user),
        agent=AgentId(agent),
        client=ClientId(client),
        resource=ResourceId(resource),
        scopes=set_from_json(scopes),
        purpose=purpose,
        approver=None if approver is None else UserId(approver),
        state=GrantState(state),
        created_at=from_ms(created_at),
        expires_at=maybe_from_ms(expires_at),
    )
