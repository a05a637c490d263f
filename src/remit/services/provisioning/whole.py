"""Register an agent with its remit and its first client, all of it or nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from remit.core.agents import Agent, ScopeKey
from remit.core.audit.events import Who
from remit.core.names import TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import NewClient, create_client
from remit.services.together import together


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDraft:
    """An agent as somebody wants it. It is active at once, because somebody owns it."""

    name: str
    purpose: str
    owner: UserId
    sponsor: UserId | None = None
    scopes: frozenset[ScopeKey] = frozenset()
    client: ClientDraft | None = None
    """Its first client; whose it is is filled in."""


class Part(StrEnum):
    AGENT = "agent"
    REMIT = "remit"
    CLIENT = "client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Why there is no such agent, and in which part of it."""

    part: Part
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    agent: Agent
    client: NewClient | None


async def register_whole(tenant: TenantId, deps: Deps, who: Who, draft: AgentDraft) -> Registered | Flaw:
    async def body(_: Work, joined: Deps) -> Registered | Flaw:
        agent = await create_agent(
            tenant,
            joined,
            who,
            name=draft.name,
            purpose=draft.purpose,
            owner=draft.owner,
            sponsor=draft.sponsor,
            active=True,
        )
        if isinstance(agent, Refusal):
            return Flaw(part=Part.AGENT, refusal=agent)
        if draft.scopes:
            remit = await publish_remit(tenant, joined, who, agent=agent.id, scopes=draft.scopes)
            if isinstance(remit, Refusal):
                return Flaw(part=Part.REMIT, refusal=remit)
        if draft.client is None:
            return Registered(agent=agent, client=None)
        client = await create_client(tenant, joined, who, replace(draft.client, agent=agent.id))
        if isinstance(client, Refusal):
            return Flaw(part=Part.CLIENT, refusal=client)
        return Registered(agent=agent, client=client)

    return await together(tenant, deps, body, keep=lambda done: isinstance(done, Registered))
