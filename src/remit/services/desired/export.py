"""Describe a tenant as it is, so that the description makes the same again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from remit.core.agents import Agent, AgentState, Remit
from remit.core.clients import Client, ClientState
from remit.core.names import ResourceId, TenantId, UserId
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.desired.state import (
    OWN_API,
    AgentDescribed,
    ClientDescribed,
    RemitDescribed,
    ResourceDescribed,
    ScopeState,
    State,
)


async def export_state(tenant: TenantId, deps: Deps) -> State:
    """Describe what administrators made. Left out: what is retired, the tenant's own API, who registered himself."""
    async with deps.db.read(tenant) as work:
        return await state_of(work)


async def state_of(work: Work) -> State:
    """Do what `export_state` does inside a work that is open."""
    own = (await work.tenants.current()).api
    resources = await work.resources.list()
    uris = {resource.id: OWN_API if resource.uri == own else resource.uri for resource in resources}
    people = {user.id: user.email for user in await work.users.list()}
    clients = await work.clients.list()
    strangers = _strangers(clients)
    agents = [
        agent
        for agent in await work.agents.list()
        if agent.state is not AgentState.RETIRED and agent.id not in strangers
    ]
    names = {agent.id: agent.name for agent in agents}
    remits = {agent.id: await work.agents.remit(agent.id) for agent in agents}
    return State(
        resources=sorted(
            (_resource(resource) for resource in resources if resource.uri != own), key=lambda found: found.uri
        ),
        agents=sorted(
            (_agent(agent, remits[agent.id], resources, uris, people) for agent in agents),
            key=lambda found: found.name,
        ),
        clients=sorted(
            (
                _client(client, names[client.agent], uris)
                for client in clients
                if _is_ours(client) and client.agent in names
            ),
            key=lambda found: found.name,
        ),
    )


def _is_ours(client: Client) -> bool:
    """Say whether a client is what administrators made it, and not what it says of itself."""
    return client.state is ClientState.ACTIVE and not client.self_registered and client.document is None


def _strangers(clients: tuple[Client, ...]) -> frozenset[str]:
    """Return the agents that stand for clients that registered themselves and for nothing else."""
    of_strangers = {client.agent for client in clients if client.self_registered}
    return frozenset(of_strangers - {client.agent for client in clients if not client.self_registered})


def _resource(resource: Resource) -> ResourceDescribed:
    return ResourceDescribed(
        uri=resource.uri,
        name=resource.name,
        state=resource.state,
        token_seconds=resource.token_seconds,
        dpop_bound=resource.dpop_bound,
        details_types=sorted(resource.details_types),
        scopes=[
            ScopeState(name=scope.name, sentence=scope.sentence, risk=scope.risk, sensitive=scope.sensitive)
            for scope in resource.scopes
        ],
    )


def _agent(
    agent: Agent,
    remit: Remit | None,
    resources: Iterable[Resource],
    uris: Mapping[ResourceId, str],
    people: Mapping[UserId, str],
) -> AgentDescribed:
    return AgentDescribed(
        name=agent.name,
        purpose=agent.purpose,
        owner=None if agent.owner is None else people[agent.owner],
        sponsor=None if agent.sponsor is None else people[agent.sponsor],
        role=agent.role,
        model=agent.model,
        serves=sorted(resource.uri for resource in resources if resource.served_by == agent.id),
        state="active" if agent.state is AgentState.ACTIVE else "staged",
        remit=None if remit is None else _remit(remit, uris),
    )


def _remit(remit: Remit, uris: Mapping[ResourceId, str]) -> RemitDescribed:
    resources = sorted({key.resource for key in remit.scopes}, key=lambda resource: uris[resource])
    return RemitDescribed(
        scopes={uris[resource]: sorted(remit.on(resource)) for resource in resources},
        expires_at=remit.expires_at,
        token_seconds=remit.token_seconds,
        dpop_bound=remit.dpop_bound,
    )


def _client(client: Client, agent: str, uris: Mapping[ResourceId, str]) -> ClientDescribed:
    return ClientDescribed(
        name=client.name,
        agent=agent,
        auth_method=client.auth_method,
        grant_types=sorted(client.grant_types),
        redirect_uris=list(client.redirect_uris),
        application_type=client.application_type,
        default_resource=None if client.default_resource is None else uris[client.default_resource],
        default_scopes=sorted(client.default_scopes),
        id_token_alg=client.id_token_alg,
        require_pushed=client.require_pushed,
        require_signed=client.require_signed,
        dpop_bound=client.dpop_bound,
        details_types=sorted(client.details_types),
        post_logout_redirect_uris=list(client.logout.redirect_uris),
        backchannel_logout_uri=client.logout.backchannel_uri,
        backchannel_logout_session_required=client.logout.backchannel_session,
        jwks=None if client.jwks is None else msgspec.json.decode(client.jwks, type=dict),
    )
