"""The catalogue of resources and scopes: what each allows, and who holds it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from remit.core.agents import Agent, AgentState, ScopeKey
from remit.core.credentials import Credential
from remit.core.names import TenantId
from remit.core.resources import Resource, Scope
from remit.ports.deps import Deps
from remit.ports.work import GrantFilter, Work
from remit.services.directory import PAGE, live
from remit.services.overview import COUNTED
from remit.services.provisioning.credentials import resource_credentials_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Holders:
    """One scope: the agents whose remit has it, and how many grants give it now."""

    scope: Scope
    agents: tuple[Agent, ...]
    grants: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    resource: Resource
    own: bool
    """It is the tenant's own API."""
    server: Agent | None
    """The agent that answers there, unless it is retired."""
    scopes: tuple[Holders, ...]
    credentials: tuple[Credential, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """Some resources, and where those after them begin; empty at the end."""

    entries: tuple[Entry, ...]
    next: str
    partial: bool
    """There are more agents or grants than were looked at: the numbers are the least there are."""


async def list_resources(tenant: TenantId, deps: Deps, *, after: str = "") -> Catalogue:
    """Return resources in the order in which they were registered, those after one; the tenant's own API last."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        current = await work.tenants.current()
        # Nobody came to see the tenant's own API, so it stands behind all others.
        page = await work.resources.page(after=after, limit=PAGE + 2)
        found = [resource for resource in page if resource.uri != current.api]
        chosen, more = found[:PAGE], len(found) > PAGE
        if not more and (own := await work.resources.by_uri(current.api)) is not None:
            chosen.append(own)
        held, more_agents = await _held(work, now)
        grants, more_grants = await _granted(work, now)
        entries = [
            Entry(
                resource=resource,
                own=resource.uri == current.api,
                server=await _server(work, resource),
                scopes=tuple(
                    Holders(
                        scope=scope,
                        agents=tuple(sorted(held[ScopeKey(resource.id, scope.name)], key=lambda agent: agent.name)),
                        grants=grants[ScopeKey(resource.id, scope.name)],
                    )
                    for scope in resource.scopes
                ),
                credentials=await resource_credentials_in(work, resource.id, deps),
            )
            for resource in chosen
        ]
    return Catalogue(
        entries=tuple(entries), next=found[PAGE - 1].id if more else "", partial=more_agents or more_grants
    )


async def _held(work: Work, now: datetime) -> tuple[dict[ScopeKey, list[Agent]], bool]:
    """Return the agents whose remit has each scope, and whether others were not looked at."""
    held: dict[ScopeKey, list[Agent]] = defaultdict(list)
    agents = {agent.id: agent for agent in await work.agents.page(limit=COUNTED)}
    remits = await work.agents.active_remits(limit=COUNTED + 1)
    for remit in remits[:COUNTED]:
        agent = agents.get(remit.agent) or await work.agents.get(remit.agent)
        if agent is None or agent.state is AgentState.RETIRED:
            continue
        if remit.expires_at is None or now < remit.expires_at:
            for key in remit.scopes:
                held[key].append(agent)
    return held, len(remits) > COUNTED


async def _granted(work: Work, now: datetime) -> tuple[dict[ScopeKey, int], bool]:
    """Return how many of the newest grants give each scope, and whether others were not looked at."""
    grants: dict[ScopeKey, int] = defaultdict(int)
    found = await work.grants.page(GrantFilter(), limit=COUNTED + 1)
    for grant in found[:COUNTED]:
        if live(grant, now):
            for name in grant.scopes:
                grants[ScopeKey(grant.resource, name)] += 1
    return grants, len(found) > COUNTED


async def _server(work: Work, resource: Resource) -> Agent | None:
    agent = await work.agents.get(resource.served_by) if resource.served_by is not None else None
    return None if agent is None or agent.state is AgentState.RETIRED else agent
