"""Tables of agents and grants, narrowed to what somebody looks for, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from remit.core.agents import Agent, AgentState
from remit.core.grants import Grant
from remit.core.names import AgentId, TenantId, UserId
from remit.core.stops import TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.directory import PAGE, AgentFacts, Directory, GrantFacts, Standing, live, live_first

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Part of a table: `number` counts from 1."""

    number: int
    more: bool


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
    tenant: TenantId, deps: Deps, *, page: int, wanted: AgentsWanted = AgentsWanted.ALL
) -> tuple[tuple[AgentFacts, ...], Page]:
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        agents = await _wanted(work, await work.agents.list(), wanted, now)
        chosen, where = cut(agents, page)
        return tuple([await directory.agent_facts(agent) for agent in chosen]), where


async def _wanted(work: Work, agents: Sequence[Agent], wanted: AgentsWanted, now: datetime) -> Sequence[Agent]:
    stops = await work.stops.list(in_force_at=now)
    stopped = {stop.target.id for stop in stops if stop.target.kind is TargetKind.AGENT}
    match wanted:
        case AgentsWanted.ALL:
            return agents
        case AgentsWanted.STOPPED:
            return [agent for agent in agents if agent.id in stopped]
        case AgentsWanted.ACTIVE:
            return [agent for agent in agents if agent.state is AgentState.ACTIVE and agent.id not in stopped]
        case AgentsWanted.STAGED | AgentsWanted.RETIRED:
            return [agent for agent in agents if agent.state == wanted.value]
        case AgentsWanted.UNOWNED:
            return [agent for agent in agents if agent.owner is None and agent.state is not AgentState.RETIRED]
        case AgentsWanted.UNUSED:
            used, since = await work.decisions.last_used(), now - UNUSED_AFTER
            return [
                agent
                for agent in agents
                if agent.state is not AgentState.RETIRED
                and agent.created_at <= since
                and used.get(agent.id, agent.created_at) <= since
            ]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsWanted:
    """Which grants a table shows. People, agents and resources may be given by name as well as by id."""

    user: str | None = None
    agent: str | None = None
    resource: str | None = None
    scope: str | None = None
    state: Standing | None = None


async def list_grants(
    tenant: TenantId, deps: Deps, *, page: int, wanted: GrantsWanted | None = None
) -> tuple[tuple[GrantFacts, ...], Page]:
    """Return grants, those that still give something first, then newest first."""
    now, wanted = deps.clock.now(), wanted or GrantsWanted()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        found = live_first(await _grants_of(work, wanted), now)
        if wanted.scope is not None:
            found = tuple(grant for grant in found if wanted.scope in grant.scopes)
        if wanted.state is None:
            chosen, where = cut(found, page)
            return tuple([await directory.grant(grant) for grant in chosen]), where
        # Whether somebody in a grant is stopped is no column of it: each is looked at.
        over = wanted.state in {Standing.REVOKED, Standing.EXPIRED}
        likely = [grant for grant in found if live(grant, now) is not over]
        facts = [await directory.grant(grant) for grant in likely]
        return cut(tuple(item for item in facts if item.standing is wanted.state), page)


async def _grants_of(work: Work, wanted: GrantsWanted) -> tuple[Grant, ...]:
    """Return the grants of whoever is named; a name that nobody has finds nothing."""
    user, agent, resource = wanted.user, wanted.agent, wanted.resource
    if user is not None and (person := await work.users.by_email(user)) is not None:
        user = person.id
    if agent is not None and (named := await work.agents.by_name(agent)) is not None:
        agent = named.id
    if resource is not None and (api := await work.resources.by_uri(resource)) is not None:
        resource = api.id
    if user is not None:
        found = await work.grants.list(user=UserId(user), active=False)
    else:
        found = await work.grants.list(agent=None if agent is None else AgentId(agent), active=False)
    return tuple(grant for grant in found if agent in {None, grant.agent} and resource in {None, grant.resource})


def cut(rows: Sequence[Row], page: int) -> tuple[tuple[Row, ...], Page]:
    """Return one page of rows that are all there."""
    start = (page - 1) * PAGE
    return tuple(rows[start : start + PAGE]), Page(number=page, more=len(rows) > start + PAGE)
