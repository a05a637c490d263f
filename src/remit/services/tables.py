"""Tables of agents and grants, narrowed to what somebody looks for, a part at a time and never read whole."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Generic, TypeVar

from remit.core.agents import Agent, AgentState
from remit.core.clients import Client
from remit.core.grants import Grant
from remit.core.names import AgentId, ClientId, TenantId, UserId
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import GrantFilter, Work
from remit.services.directory import PAGE, AgentFacts, Directory, GrantFacts, Standing, live

Row = TypeVar("Row")
Kept = TypeVar("Kept")

LOOKED: Final = 1000
"""Rows that are looked at for one part. What is rare may leave a part short or empty; the next one goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Generic[Kept]):
    """Some rows of a table, and where those after them begin; empty at the end."""

    rows: tuple[Kept, ...]
    next: str = ""


class AgentsWanted(StrEnum):
    """Which agents a table shows."""

    ALL = "all"
    ACTIVE = "active"
    STOPPED = "stopped"
    STAGED = "staged"
    RETIRED = "retired"
    UNOWNED = "no-owner"
    UNUSED = "unused"


UNUSED_AFTER = timedelta(days=30)


async def list_agents(
    tenant: TenantId, deps: Deps, *, after: str = "", wanted: AgentsWanted = AgentsWanted.ALL
) -> Part[AgentFacts]:
    """Return agents in the order in which they were registered, those after one."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)

        async def read(cursor: str, limit: int) -> Sequence[Agent]:
            return await work.agents.page(after=cursor, limit=limit)

        async def keep(agent: Agent) -> AgentFacts | None:
            return await directory.agent_facts(agent) if await _fits(work, directory, agent, wanted, now) else None

        return await _gather(read, keep, lambda agent: agent.id, start=after)


async def _fits(work: Work, directory: Directory, agent: Agent, wanted: AgentsWanted, now: datetime) -> bool:
    match wanted:
        case AgentsWanted.ALL:
            return True
        case AgentsWanted.STOPPED | AgentsWanted.ACTIVE:
            if wanted is AgentsWanted.ACTIVE and agent.state is not AgentState.ACTIVE:
                return False
            stopped = await directory.stop_on([Target(TargetKind.AGENT, agent.id)]) is not None
            return stopped is (wanted is AgentsWanted.STOPPED)
        case AgentsWanted.STAGED | AgentsWanted.RETIRED:
            return agent.state == wanted.value
        case AgentsWanted.UNOWNED:
            return agent.owner is None and agent.state is not AgentState.RETIRED
        case AgentsWanted.UNUSED:
            since = now - UNUSED_AFTER
            if agent.state is AgentState.RETIRED or agent.created_at > since:
                return False
            return max((await work.decisions.used_by(agent.id)).values(), default=since) <= since


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsWanted:
    """Which grants a table shows. Whoever is in them may be given by name as well as by id."""

    user: str | None = None
    agent: str | None = None
    client: str | None = None
    resource: str | None = None
    scope: str | None = None
    state: Standing | None = None
    unused: timedelta | None = None
    """Older than this, and not used for as long, as far as guards reported."""

    @property
    def any(self) -> bool:
        """Say whether this finds fewer than all: a state alone is a property of everybody's."""
        return any((self.user, self.agent, self.client, self.resource, self.scope, self.unused))


async def list_grants(
    tenant: TenantId, deps: Deps, *, before: str = "", wanted: GrantsWanted | None = None
) -> Part[GrantFacts]:
    """Return grants newest first, those before one."""
    async with deps.db.read(tenant) as work:
        directory = Directory(work, deps.clock.now())
        named = await by_ids(work, wanted or GrantsWanted())

        async def read(cursor: str, limit: int) -> Sequence[Grant]:
            return await work.grants.page(indexed(named), before=cursor or None, limit=limit)

        async def keep(grant: Grant) -> GrantFacts | None:
            return await fitting(directory, grant, named)

        return await _gather(read, keep, lambda grant: grant.id, start=before)


async def fitting(directory: Directory, grant: Grant, named: GrantsWanted) -> GrantFacts | None:
    """Return everything about a grant if it is wanted. `named` names by id."""
    if not may_fit(grant, named, directory.now):
        return None
    facts = await directory.grant(grant)
    if named.unused is not None and facts.last_used is not None and facts.last_used > directory.now - named.unused:
        return None
    return facts if named.state in {None, facts.standing} else None


async def by_ids(work: Work, wanted: GrantsWanted) -> GrantsWanted:
    """Name everybody by id; a name that nobody has stays, and finds nothing."""
    user = await work.users.by_email(wanted.user) if wanted.user else None
    agent = await work.agents.by_name(wanted.agent) if wanted.agent else None
    client = await _client(work, wanted.client) if wanted.client else None
    resource = await work.resources.by_uri(wanted.resource) if wanted.resource else None
    return replace(
        wanted,
        user=user.id if user else wanted.user,
        # A client is of one agent, and there is an index for that.
        agent=agent.id if agent else wanted.agent or (client.agent if client else None),
        client=client.id if client else wanted.client,
        resource=resource.id if resource else wanted.resource,
    )


async def _client(work: Work, named: str) -> Client | None:
    return await work.clients.by_name(named) or await work.clients.get(ClientId(named))


def indexed(named: GrantsWanted) -> GrantFilter:
    """Return what the database has an index for: asked for the rest, a statement would walk the whole tenant."""
    return GrantFilter(
        user=None if named.user is None else UserId(named.user),
        agent=None if named.agent is None else AgentId(named.agent),
    )


def may_fit(grant: Grant, named: GrantsWanted, now: datetime) -> bool:
    """Judge by what stands in the row; whether somebody in it is stopped does not."""
    over = named.state in {Standing.REVOKED, Standing.EXPIRED}
    return (
        named.client in {None, grant.client}
        and named.resource in {None, grant.resource}
        and (named.scope is None or named.scope in grant.scopes)
        and (named.state is None or live(grant, now) is not over)
        and (named.unused is None or grant.created_at <= now - named.unused)
    )


async def _gather(
    read: Callable[[str, int], Awaitable[Sequence[Row]]],
    keep: Callable[[Row], Awaitable[Kept | None]],
    key: Callable[[Row], str],
    *,
    start: str,
) -> Part[Kept]:
    """Read on in portions until a part is full, the table is over, or enough was looked at."""
    kept: list[Kept] = []
    cursor = start
    for _ in range(LOOKED // PAGE):
        rows = await read(cursor, PAGE + 1)
        for row in rows[:PAGE]:
            if len(kept) == PAGE:
                return Part(rows=tuple(kept), next=cursor)
            cursor = key(row)
            found = await keep(row)
            if found is not None:
                kept.append(found)
        if len(rows) <= PAGE:
            return Part(rows=tuple(kept))
    return Part(rows=tuple(kept), next=cursor)
