"""Who and what there is in a tenant, as people look it up: agents, their grants, and how each of them stands now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remit.core.agents import Agent, Remit, ScopeKey
from remit.core.authority import Chain
from remit.core.clients import Client
from remit.core.grants import Grant, GrantState, Line
from remit.core.names import AgentId, ClientId, GrantId, ResourceId, TenantId, UserId
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.resources import Resource
from remit.core.stops import Stop, Target, TargetKind
from remit.core.users import User
from remit.ports.deps import Deps
from remit.ports.work import GrantFilter, Usage, Work
from remit.services.issuance import ceilings

PAGE = 50

GLANCED = 100
"""How many of an agent's grants, the newest, are looked at to say how it stands: it may have millions."""


class Standing(StrEnum):
    """How a grant stands at this moment."""

    ACTIVE = "active"
    STOPPED = "stopped"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInForce:
    """A stop with the name of whoever placed it."""

    stop: Stop
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantFacts:
    """A grant with everybody in it. `user` is None where the agent acts for itself."""

    grant: Grant
    user: User | None
    approver: User | None
    agent: Agent
    owner: User | None
    client: Client
    resource: Resource
    standing: Standing
    stopped: StopInForce | None
    usage: tuple[Usage, ...]
    held: tuple[Line, ...] = ()
    """Its approvals that still give something and are held to authorization details (RFC 9396)."""

    @property
    def last_used(self) -> datetime | None:
        return _latest(self.usage)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnGrant:
    """A grant as its user sees it. `can` is what is left of it under every other ceiling now."""

    facts: GrantFacts
    can: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentFacts:
    """An agent in a table: what its newest grants give and it used. Identity scopes call no API and are not counted."""

    agent: Agent
    owner: User | None
    clients: tuple[Client, ...]
    stopped: StopInForce | None
    granted: int
    used: int
    last_used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """Everything about one agent."""

    facts: AgentFacts
    sponsor: User | None
    remit: Remit | None
    resources: tuple[Resource, ...]
    """Those the remit speaks of."""
    grants: tuple[GrantFacts, ...]
    sessions: int
    """Approvals that a Stop would end: live lines, and live grants by which it acts for itself."""
    users: int
    partial: bool
    """There are more grants than were looked at, so a Stop ends more than was counted."""


class Directory:
    """Looks things up inside one read, each of them once."""

    def __init__(self, work: Work, now: datetime) -> None:
        self._work = work
        self.now = now
        self._users: dict[str, User | None] = {}
        self._agents: dict[str, Agent | None] = {}
        self._clients: dict[str, Client | None] = {}
        self._resources: dict[str, Resource | None] = {}

    async def user(self, user: str | None) -> User | None:
        if user is None:
            return None
        if user not in self._users:
            self._users[user] = await self._work.users.get(UserId(user))
        return self._users[user]

    async def agent(self, agent: str) -> Agent | None:
        if agent not in self._agents:
            self._agents[agent] = await self._work.agents.get(AgentId(agent))
        return self._agents[agent]

    async def client(self, client: str) -> Client | None:
        if client not in self._clients:
            self._clients[client] = await self._work.clients.get(ClientId(client))
        return self._clients[client]

    async def resource(self, resource: str) -> Resource | None:
        if resource not in self._resources:
            self._resources[resource] = await self._work.resources.get(ResourceId(resource))
        return self._resources[resource]

    async def label(self, id_: str) -> str | None:
        """Return what people call an id: an address, a name. None when it has no name or is not here."""
        match id_.partition("_")[0]:
            case "usr":
                user = await self.user(id_)
                return user.email if user else None
            case "agt":
                agent = await self.agent(id_)
                return agent.name if agent else None
            case "cli":
                client = await self.client(id_)
                return client.name if client else None
            case "res":
                resource = await self.resource(id_)
                return resource.name if resource else None
            case _:
                return None

    async def stop_on(self, targets: Sequence[Target]) -> StopInForce | None:
        """Return the newest stop in force on any of these."""
        for stop in reversed(await self._work.stops.on(targets)):
            if stop.in_force(self.now):
                return StopInForce(stop=stop, by=await self.label(stop.actor) or stop.actor)
        return None

    async def grant(self, grant: Grant) -> GrantFacts:
        agent, client = await self.agent(grant.agent), await self.client(grant.client)
        resource = await self.resource(grant.resource)
        assert agent is not None and client is not None and resource is not None  # noqa: S101, PT018 - foreign keys
        tenant = await self._work.tenants.current()
        targets = [
            Target(TargetKind.GRANT, grant.id),
            Target(TargetKind.AGENT, grant.agent),
            Target(TargetKind.CLIENT, grant.client),
            Target(TargetKind.RESOURCE, grant.resource),
            Target(TargetKind.TENANT, tenant.id),
        ]
        if grant.user is not None:
            targets.append(Target(TargetKind.USER, grant.user))
        stopped = await self.stop_on(targets) if live(grant, self.now) else None
        return GrantFacts(
            grant=grant,
            user=await self.user(grant.user),
            approver=await self.user(grant.approver),
            agent=agent,
            owner=await self.user(agent.owner),
            client=client,
            resource=resource,
            standing=_standing(grant, stopped, self.now),
            stopped=stopped,
            usage=await self._work.decisions.usage([grant.id]),
            held=await self._held(grant),
        )

    async def _held(self, grant: Grant) -> tuple[Line, ...]:
        if grant.user is None or not live(grant, self.now):
            return ()  # only what a user agreed to has details
        lines = await self._work.lines.page(grant.id, limit=PAGE)
        return tuple(line for line in lines if line.details is not None and works(line, self.now))

    async def agent_facts(self, agent: Agent) -> AgentFacts:
        found = await self._work.grants.page(GrantFilter(agent=agent.id), limit=GLANCED)
        grants = [grant for grant in found if live(grant, self.now)]
        held = {ScopeKey(grant.resource, name) for grant in grants for name in grant.scopes - IDENTITY_SCOPES}
        used = await self._work.decisions.used_by(agent.id)
        return AgentFacts(
            agent=agent,
            owner=await self.user(agent.owner),
            clients=await self._work.clients.list(agent.id),
            stopped=await self.stop_on([Target(TargetKind.AGENT, agent.id)]),
            granted=len(held),
            used=len(held & used.keys()),
            last_used=max(used.values(), default=None),
        )


def live(grant: Grant, now: datetime) -> bool:
    """Say whether a grant itself still gives anything; a stop on somebody in it is another matter."""
    return grant.state is GrantState.ACTIVE and (grant.expires_at is None or now < grant.expires_at)


def works(line: Line, now: datetime) -> bool:
    """Say whether an approval itself still gives anything."""
    return line.state is GrantState.ACTIVE and now < line.expires_at


async def describe_agent(tenant: TenantId, agent: AgentId, deps: Deps) -> AgentRecord | None:
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        found = await work.agents.get(agent)
        if found is None:
            return None
        remit = await work.agents.remit(agent)
        spoken = sorted({key.resource for key in remit.scopes}) if remit is not None else []
        resources = [await directory.resource(resource) for resource in spoken]
        grants = await work.grants.page(GrantFilter(agent=agent), limit=GLANCED + 1)
        working = [grant for grant in grants[:GLANCED] if live(grant, now)]
        return AgentRecord(
            facts=await directory.agent_facts(found),
            sponsor=await directory.user(found.sponsor),
            remit=remit,
            resources=tuple(resource for resource in resources if resource is not None),
            grants=tuple([await directory.grant(grant) for grant in live_first(grants, now)[:PAGE]]),
            sessions=sum([await sessions_of(work, grant, now) for grant in working]),
            users=len({grant.user for grant in working if grant.user is not None}),
            partial=len(grants) > GLANCED,
        )


async def sessions_of(work: Work, grant: Grant, now: datetime) -> int:
    """Count the approvals that end with a grant: its live lines, or the one by which an agent acts for itself."""
    if grant.user is None:
        return 1
    lines = await work.lines.page(grant.id, limit=PAGE)
    return sum(works(line, now) for line in lines)


async def list_own_grants(tenant: TenantId, user: UserId, deps: Deps) -> tuple[OwnGrant, ...]:
    """Return what still works for this user, or would if nobody had stopped it."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        return tuple(
            [
                await _own(work, directory, grant, deps)
                for grant in await work.grants.list(user=user)
                if live(grant, now)
            ]
        )


async def allowed_before(tenant: TenantId, user: UserId, deps: Deps) -> bool:
    """Say whether this user ever allowed an agent anything."""
    async with deps.db.read(tenant) as work:
        return bool(await work.grants.page(GrantFilter(user=user), limit=1))


async def find_own_grant(tenant: TenantId, grant: GrantId, user: UserId, deps: Deps) -> OwnGrant | None:
    """Return one grant of this user, whatever became of it. Somebody else's does not exist for him."""
    async with deps.db.read(tenant) as work:
        found = await work.grants.get(grant)
        if found is None or found.user != user:
            return None
        return await _own(work, Directory(work, deps.clock.now()), found, deps)


async def _own(work: Work, directory: Directory, grant: Grant, deps: Deps) -> OwnGrant:
    facts = await directory.grant(grant)
    party = await work.clients.party(grant.client)
    assert party is not None  # noqa: S101 - a foreign key
    chain = Chain(
        tenant=await work.tenants.current(), party=party, resource=facts.resource, user=facts.user, grant=grant
    )
    can = grant.scopes
    for ceiling in await ceilings(work, chain, deps):
        if ceiling.scopes is not None:
            can &= ceiling.scopes
    return OwnGrant(facts=facts, can=can)


def _standing(grant: Grant, stopped: StopInForce | None, now: datetime) -> Standing:
    if grant.state is GrantState.REVOKED:
        return Standing.REVOKED
    if not live(grant, now):
        return Standing.EXPIRED
    return Standing.STOPPED if stopped is not None else Standing.ACTIVE


def live_first(grants: Sequence[Grant], now: datetime) -> tuple[Grant, ...]:
    """Return those that still give something before those that do not."""
    return tuple(sorted(grants, key=lambda grant: not live(grant, now)))


def _latest(usage: Sequence[Usage]) -> datetime | None:
    return max((entry.last_at for entry in usage if entry.count), default=None)
