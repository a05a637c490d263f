"""Agents that act one after the other: each answers at a resource, and may show on what it is shown there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import httpx

from remit.core.agents import Agent, ScopeKey
from remit.core.clients import AuthMethod, Client, GrantType
from remit.core.names import AgentId, Secret
from remit.core.oauth.exchange import ACCESS_TOKEN
from remit.core.registration import ClientDraft
from remit.core.resources import Resource, Risk, Scope
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.changes import change_resource
from remit.services.provisioning.clients import create_client
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import add_resource_secret, create_resource
from tests.kit.flows import claims_of
from tests.kit.instance import Remit
from tests.kit.world import SCOPES, SEEDER, World, sure

EXCHANGE = GrantType.TOKEN_EXCHANGE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Member:
    """An agent with its client, and the resource at which it answers."""

    agent: Agent
    client: Client
    secret: Secret
    resource: Resource
    resource_secret: Secret

    @property
    def auth(self) -> tuple[str, str]:
        return self.client.id, self.secret.reveal()


async def team(remit: Remit, world: World, *names: str) -> list[Member]:
    """Make agents. The first one answers at the calendar, each other one at `https://NAME.example/`.

    The remits of all, and of the planner before them, hold the same scopes everywhere.
    """
    tenant, deps = world.tenant.id, remit.deps
    members = [
        await _member(remit, world, name, world.calendar if first else None)
        for name, first in zip(names, [True, *[False] * (len(names) - 1)], strict=True)
    ]
    for agent in (world.agent, *(member.agent for member in members)):
        await allow(remit, world, agent.id, {member.resource: SCOPES for member in members})
    for member in members:
        for resource in (other.resource for other in members):
            sure(
                await approve_agent(
                    tenant, deps, SEEDER, client=member.client.id, resource=resource.id, scopes=SCOPES,
                    approver=world.admin.id,
                )
            )  # fmt: skip
    return members


async def allow(remit: Remit, world: World, agent: AgentId, scopes: dict[Resource, frozenset[str]]) -> None:
    """Publish a remit; what the planner holds on the tickets it keeps."""
    keys = {ScopeKey(resource.id, name) for resource, names in scopes.items() for name in names}
    if agent == world.agent.id:
        keys |= {ScopeKey(world.tickets.id, "tickets.update")}
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=agent, scopes=frozenset(keys)))


async def _member(remit: Remit, world: World, name: str, resource: Resource | None) -> Member:
    tenant, deps = world.tenant.id, remit.deps
    agent = sure(
        await create_agent(tenant, deps, SEEDER, name=name, purpose=f"is {name}", owner=world.admin.id, active=True)
    )
    if resource is None:
        scopes = [Scope(name=scope, sentence=f"Do {scope}", risk=Risk.READ) for scope in sorted(SCOPES)]
        resource = sure(
            await create_resource(
                tenant, deps, SEEDER, uri=f"https://{name}.example/", name=name, scopes=scopes, served_by=agent.id
            )
        )
    else:
        resource = sure(await change_resource(tenant, deps, SEEDER, replace(resource, served_by=agent.id)))
    draft = ClientDraft(
        agent=agent.id,
        name=name,
        auth_method=AuthMethod.SECRET_BASIC,
        grant_types=frozenset({EXCHANGE, GrantType.CLIENT_CREDENTIALS}),
    )
    made = sure(await create_client(tenant, deps, SEEDER, draft))
    assert made.secret is not None
    return Member(
        agent=agent,
        client=made.client,
        secret=made.secret,
        resource=resource,
        resource_secret=world.calendar_secret
        if resource.id == world.calendar.id
        else sure(await add_resource_secret(tenant, deps, SEEDER, resource=resource.id)),
    )


async def exchange(
    remit: Remit, world: World, member: Member, subject: str, target: Resource | str | None, /, **fields: Any
) -> httpx.Response:
    """Show a token on; a field that is None is left out."""
    asked = {
        "grant_type": EXCHANGE.value,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "resource": target.uri if isinstance(target, Resource) else target,
        **fields,
    }
    data = {name: value for name, value in asked.items() if value is not None}
    return await remit.http.post(f"{world.issuer}/oauth/token", data=data, auth=member.auth)


async def handed_on(
    remit: Remit, world: World, member: Member, subject: str, target: Resource, /, **fields: Any
) -> str:
    """Return the token that came out."""
    answer = await exchange(remit, world, member, subject, target, **fields)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def acting_alone(remit: Remit, world: World, member: Member, resource: Resource, /, **fields: Any) -> str:
    """Return a token that a member got for itself."""
    asked = {"grant_type": "client_credentials", "resource": resource.uri, "scope": " ".join(sorted(SCOPES)), **fields}
    answer = await remit.http.post(f"{world.issuer}/oauth/token", data=asked, auth=member.auth)
    assert answer.status_code == 200, answer.text
    token: str = answer.json()["access_token"]
    return token


async def about(remit: Remit, world: World, text: str, member: Member) -> dict[str, Any]:
    """Ask about a token as the resource at which a member answers."""
    answer = await remit.http.post(
        f"{world.issuer}/oauth/introspect",
        data={"token": text},
        auth=(member.resource.id, member.resource_secret.reveal()),
    )
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def acts_of(text: str) -> list[str]:
    """Return the agents that `act` of a token names, the newest first."""
    found, act = [], claims_of(text).get("act")
    while act is not None:
        found.append(str(act["sub"]))
        act = act.get("act")
    return found
