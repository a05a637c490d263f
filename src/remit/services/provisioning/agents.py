"""Register agents and set their ceilings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from remit.core.agents import Agent, AgentState, Remit, ScopeKey, judge_step
from remit.core.audit.events import AgentChanged, AgentCreated, AgentStateChanged, RemitPublished, Who
from remit.core.names import AgentId, Prefix, RemitId, TenantId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_end, check_known, check_name, check_text, check_token_seconds
from remit.core.stops import Target, TargetKind
from remit.core.users import UserState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.stop_rows import put_row

NO_AGENT = Refusal("not_found", "no such agent in this tenant")

_CHANGEABLE = ("name", "purpose", "owner", "sponsor", "role", "model")


async def create_agent(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    name: str,
    purpose: str,
    owner: UserId | None = None,
    sponsor: UserId | None = None,
    role: str = "",
    model: str = "",
    active: bool = False,
) -> Agent | Refusal:
    """Register an agent: staged, or active at once if somebody owns it. It may do nothing before it has a remit."""
    agent = Agent(
        id=AgentId(deps.fresh.id(Prefix.AGENT)),
        name=name,
        purpose=purpose,
        owner=owner,
        sponsor=sponsor,
        role=role,
        model=model,
        state=AgentState.STAGED,
        created_at=deps.clock.now(),
    )
    if (flaw := _judge_words(agent)) is not None:
        return flaw
    if active:
        if (flaw := judge_step(agent, AgentState.ACTIVE)) is not None:
            return flaw
        agent = replace(agent, state=AgentState.ACTIVE)
    async with deps.db.work(tenant) as work:
        for what, person in (("owner", owner), ("sponsor", sponsor)):
            if (flaw := await _judge_person(work, what, person)) is not None:
                return flaw
        if not await work.agents.add(agent):
            return _taken(name)
        event = AgentCreated(who=replace(who, agent=agent.id, owner=owner), name=name, state=agent.state)
        await work.events.append(event, at=agent.created_at)
    return agent


async def change_agent(tenant: TenantId, deps: Deps, who: Who, wanted: Agent) -> Agent | Refusal:
    """Make an agent what is wanted in everything but its state: its name, purpose, owner, sponsor, role, model."""
    if (flaw := _judge_words(wanted)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.agents.get(wanted.id)
        if found is None:
            return NO_AGENT
        wanted = replace(wanted, state=found.state, created_at=found.created_at)
        changed = tuple(name for name in _CHANGEABLE if getattr(wanted, name) != getattr(found, name))
        if not changed:
            return found
        if (flaw := await _judge_change(work, found, wanted)) is not None:
            return flaw
        await work.agents.change(wanted)
        event = AgentChanged(
            who=replace(who, agent=found.id, owner=wanted.owner, purpose=wanted.purpose),
            changed=changed,
            new_owner=wanted.owner if "owner" in changed else None,
            new_sponsor=wanted.sponsor if "sponsor" in changed else None,
        )
        await work.events.append(event, at=deps.clock.now())
    return wanted


async def publish_remit(
    tenant: TenantId,
    deps: Deps,
    who: Who,
    *,
    agent: AgentId,
    scopes: frozenset[ScopeKey],
    expires_at: datetime | None = None,
    token_seconds: int | None = None,
    dpop_bound: bool = False,
) -> Remit | Refusal:
    """Make this the agent's ceiling. It holds from the next decision on, also for tokens and grants that exist."""
    async with deps.db.work(tenant) as work:
        found = await work.agents.get(agent)
        if found is None:
            return NO_AGENT
        return await publish_in(
            work,
            found,
            deps,
            who,
            scopes=scopes,
            expires_at=expires_at,
            token_seconds=token_seconds,
            dpop_bound=dpop_bound,
        )


async def publish_in(
    work: Work,
    found: Agent,
    deps: Deps,
    who: Who,
    *,
    scopes: frozenset[ScopeKey],
    expires_at: datetime | None,
    token_seconds: int | None,
    dpop_bound: bool,
) -> Remit | Refusal:
    """Publish the next version of an agent's remit in a work that is open."""
    now = deps.clock.now()
    flaw = check_token_seconds(token_seconds) or check_end("remit", expires_at, now=now)
    if flaw is None and found.state is AgentState.RETIRED:
        flaw = Refusal("conflict", "a retired agent gets no new remit")
    flaw = flaw or await _unknown_scopes(work, scopes)
    if flaw is not None:
        return flaw
    before = await work.agents.remit(found.id)
    remit = Remit(
        id=RemitId(deps.fresh.id(Prefix.REMIT)),
        agent=found.id,
        version=before.version + 1 if before is not None else 1,
        scopes=scopes,
        expires_at=expires_at,
        token_seconds=token_seconds,
        dpop_bound=dpop_bound,
    )
    await work.agents.publish(remit, at=now)
    if before is not None and (before.scopes - scopes or remit.dpop_bound > before.dpop_bound):
        # Guards read tokens without asking: the epoch refuses those that still name what is gone, or no key.
        await put_row(work, _agent(found.id), deps, who, reason="its remit allows less", over_at_once=True)
    await work.events.append(
        RemitPublished(
            who=replace(who, agent=found.id, owner=found.owner, purpose=found.purpose),
            remit=remit.id,
            version=remit.version,
            scopes=tuple(f"{key.resource}:{key.name}" for key in sorted(scopes)),
            expires_at=expires_at.isoformat(timespec="seconds") if expires_at else None,
            token_seconds=token_seconds,
            dpop_bound=dpop_bound,
        ),
        at=now,
    )
    return remit


async def set_agent_state(
    tenant: TenantId, deps: Deps, who: Who, *, agent: AgentId, state: AgentState, reason: str
) -> Agent | Refusal:
    """Take a step of an agent's life: activate it, or retire it for ever."""
    if not reason:
        return Refusal("invalid_request", "say why: the change carries a reason")
    if (flaw := check_text("reason", reason)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.agents.get(agent)
        if found is None:
            return NO_AGENT
        if (flaw := judge_step(found, state)) is not None:
            return replace(flaw, code="conflict")
        await work.agents.set_state(agent, state)
        if state is AgentState.RETIRED:
            await put_row(work, _agent(agent), deps, who, reason=reason, over_at_once=True)
        event = AgentStateChanged(who=replace(who, agent=agent, owner=found.owner), state=state, reason=reason)
        await work.events.append(event, at=deps.clock.now())
    return replace(found, state=state)


def _agent(agent: AgentId) -> Target:
    return Target(TargetKind.AGENT, agent)


def _judge_words(agent: Agent) -> Refusal | None:
    """Say what is wrong with how an agent is called and described."""
    flaw = check_name("agent", agent.name) or check_text("role", agent.role) or check_text("model", agent.model)
    if flaw is None and not agent.purpose:
        flaw = Refusal("invalid_request", "say what the agent is for: people read it before they agree")
    return flaw or check_text("purpose", agent.purpose)


async def _judge_change(work: Work, found: Agent, wanted: Agent) -> Refusal | None:
    if found.state is AgentState.RETIRED:
        return Refusal("conflict", "a retired agent stays as it was")
    if found.state is AgentState.ACTIVE and wanted.owner is None:
        return Refusal("conflict", "an active agent has an owner: name another one, or retire the agent")
    for what in ("owner", "sponsor"):
        person = getattr(wanted, what)
        if person != getattr(found, what) and (flaw := await _judge_person(work, what, person)) is not None:
            return flaw
    namesake = await work.agents.by_name(wanted.name)
    if namesake is not None and namesake.id != wanted.id:
        return _taken(wanted.name)
    return None


def _taken(name: str) -> Refusal:
    return Refusal("conflict", f"there is an agent `{name}` in this tenant already: choose another name")


async def _judge_person(work: Work, what: str, person: UserId | None) -> Refusal | None:
    if person is not None and not await _answerable(work, person):
        return Refusal("invalid_request", f"the {what} must be an active user of this tenant")
    return None


async def _answerable(work: Work, person: UserId) -> bool:
    user = await work.users.get(person)
    return user is not None and user.state is UserState.ACTIVE


async def _unknown_scopes(work: Work, scopes: frozenset[ScopeKey]) -> Refusal | None:
    for resource in sorted({key.resource for key in scopes}):
        found = await work.resources.get(resource)
        if found is None:
            return Refusal("not_found", "no such resource in this tenant")
        flaw = check_known((key.name for key in scopes if key.resource == resource), found)
        if flaw is not None:
            return flaw
    return None
