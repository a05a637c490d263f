"""Find whom or what somebody means by one word: an id, an address, a name, a URI. Each is a look-up, none a walk."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from remit.core.agents import AgentState
from remit.core.names import AgentId, ClientId, EventId, GrantId, ResourceId, TenantId, UserId
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import EventFilter, Work
from remit.services.directory import Directory, StopInForce


class HitKind(StrEnum):
    AGENT = "agent"
    USER = "user"
    CLIENT = "client"
    RESOURCE = "resource"
    GRANT = "grant"
    EVENT = "event"
    TOKEN = "token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """Something that is called so. `agent` is the one it belongs to, where it does."""

    kind: HitKind
    id: str
    name: str
    state: str = ""
    agent: str = ""
    stopped: StopInForce | None = None

    @property
    def stoppable(self) -> bool:
        """Say whether a stop can be placed on it that can be lifted, and that would change something."""
        can = self.kind in {HitKind.AGENT, HitKind.USER, HitKind.CLIENT, HitKind.RESOURCE}
        return can and self.stopped is None and self.state != AgentState.RETIRED


async def search(tenant: TenantId, text: str, deps: Deps) -> tuple[Hit, ...]:
    """Return everything that this word names exactly."""
    if not text:
        return ()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, deps.clock.now())
        return (*await _parties(work, directory, text), *await _records(work, directory, text))


async def _parties(work: Work, directory: Directory, text: str) -> list[Hit]:
    """Look for whom a stop can be placed on."""
    agent = await work.agents.get(AgentId(text)) or await work.agents.by_name(text)
    user = await work.users.get(UserId(text)) or await work.users.by_email(text)
    client = await work.clients.get(ClientId(text)) or await work.clients.by_name(text)
    resource = await work.resources.get(ResourceId(text)) or await work.resources.by_uri(text)
    found = []
    if agent is not None:
        found.append(Hit(kind=HitKind.AGENT, id=agent.id, name=agent.name, state=agent.state, agent=agent.id))
    if user is not None:
        found.append(Hit(kind=HitKind.USER, id=user.id, name=user.email, state=user.state))
    if client is not None:
        found.append(Hit(kind=HitKind.CLIENT, id=client.id, name=client.name, state=client.state, agent=client.agent))
    if resource is not None:
        found.append(Hit(kind=HitKind.RESOURCE, id=resource.id, name=resource.name, state=resource.state))
    return [await _with_stop(directory, hit) for hit in found]


async def _with_stop(directory: Directory, hit: Hit) -> Hit:
    stopped = await directory.stop_on([Target(TargetKind(hit.kind), hit.id)])
    return replace(hit, stopped=stopped)


async def _records(work: Work, directory: Directory, text: str) -> list[Hit]:
    """Look for what is told by its id alone."""
    grant = await work.grants.get(GrantId(text))
    event = await work.events.get(EventId(text))
    token = await work.events.page(EventFilter(jti=text), limit=1)
    found = []
    if grant is not None:
        facts = await directory.grant(grant)
        name = f"{facts.user.email if facts.user else facts.agent.name} on {facts.resource.name}"
        found.append(Hit(kind=HitKind.GRANT, id=grant.id, name=name, state=facts.standing, agent=grant.agent))
    if event is not None:
        found.append(Hit(kind=HitKind.EVENT, id=event.id, name=event.type, state=event.outcome))
    if token:
        found.append(Hit(kind=HitKind.TOKEN, id=text, name=text))
    return found
