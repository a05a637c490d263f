"""The catalogue of resources and scopes: what each allows, and who holds it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from remit.core.agents import Agent, AgentState, ScopeKey
from remit.core.credentials import Credential
from remit.core.names import TenantId
from remit.core.resources import Resource, Scope
from remit.ports.deps import Deps
from remit.services.directory import live
from remit.services.provisioning.credentials import resource_credentials_in
from remit.services.tables import Page, cut


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


async def list_resources(tenant: TenantId, deps: Deps, *, page: int) -> tuple[tuple[Entry, ...], Page]:
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        current = await work.tenants.current()
        # The tenant's own API last: it is the one that nobody came to see.
        resources = sorted(
            await work.resources.list(), key=lambda resource: (resource.uri == current.api, resource.name)
        )
        held: dict[ScopeKey, list[Agent]] = defaultdict(list)
        agents = {agent.id: agent for agent in await work.agents.list() if agent.state is not AgentState.RETIRED}
        for remit in await work.agents.active_remits():
            if remit.agent in agents and (remit.expires_at is None or now < remit.expires_at):
                for key in remit.scopes:
                    held[key].append(agents[remit.agent])
        grants: dict[ScopeKey, int] = defaultdict(int)
        for grant in await work.grants.list():
            if live(grant, now):
                for name in grant.scopes:
                    grants[ScopeKey(grant.resource, name)] += 1
        chosen, where = cut(resources, page)
        entries = [
            Entry(
                resource=resource,
                own=resource.uri == current.api,
                server=agents.get(resource.served_by) if resource.served_by is not None else None,
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
    return tuple(entries), where
