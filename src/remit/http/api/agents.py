"""REST v1: agents and the versions of their remits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from remit.core.agents import Agent, AgentState, Remit, ScopeKey
from remit.core.names import AgentId, ResourceId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import (
    Because,
    DpopBound,
    Id,
    Moment,
    Name,
    NamedQuery,
    NumberedQuery,
    Scopes,
    Seconds,
    Text,
    cut,
    found,
    given,
    utc,
)
from remit.services.lifetimes import shorten_agent
from remit.services.provisioning import agents as provisioning
from remit.services.provisioning.agents import NO_AGENT


class AgentView(Thing):
    """An agent. `state` is `stopped` while a stop on it is in force; `stored_state` is what it goes back to."""

    id: str
    name: str
    purpose: str
    owner: str | None
    sponsor: str | None
    role: str
    model: str
    state: str
    stored_state: AgentState
    created_at: datetime


class AgentPage(View):
    agents: list[AgentView]
    next: str | None


class NewRemit(Shape):
    """A ceiling. It holds from the next decision on, also for tokens and grants that exist."""

    scopes: Annotated[dict[Id, Scopes], Meta(max_length=200, description="Scopes by the id of their resource.")]
    expires_at: Moment | None = None
    token_seconds: Seconds | None = None
    dpop_bound: DpopBound = False


class Lifetime(Shape):
    """The longest life of access tokens; null leaves it to the tenant and the resource."""

    token_seconds: Seconds | None


class NewAgent(Shape):
    """An agent to register: staged, or active at once if somebody owns it. Without a remit it may do nothing yet."""

    name: Name
    purpose: Text
    owner: Id | None = None
    sponsor: Id | None = None
    role: Text = ""
    model: Text = ""
    active: bool = False
    remit: NewRemit | None = None


class AgentChanges(Shape):
    """What shall be different; what is left out stays."""

    name: Name | UnsetType = UNSET
    purpose: Text | UnsetType = UNSET
    owner: Id | UnsetType | None = UNSET
    sponsor: Id | UnsetType | None = UNSET
    role: Text | UnsetType = UNSET
    model: Text | UnsetType = UNSET


class RemitView(View):
    """One version of an agent's ceiling: scopes by the id of their resource."""

    id: str
    agent: str
    version: int
    scopes: dict[str, list[str]]
    expires_at: datetime | None
    token_seconds: int | None
    dpop_bound: bool


class Remits(View):
    """Versions, newest first; the first one holds."""

    remits: list[RemitView]
    next: str | None


async def list_agents(call: Call[NamedQuery, None]) -> AgentPage:
    query = call.query
    if query.name is not None:
        return AgentPage(agents=await _told(call, found(await call.work.agents.by_name(query.name))), next=None)
    rows = await call.work.agents.page(after=query.cursor, limit=query.limit + 1)
    page, last = cut(rows, query.limit)
    return AgentPage(agents=await _told(call, page), next=last.id if last else None)


async def get_agent(call: Call[NoQuery, None]) -> AgentView | Refusal:
    agent = await _find(call)
    return agent if isinstance(agent, Refusal) else (await _told(call, [agent]))[0]


async def create_agent(call: Call[NoQuery, NewAgent]) -> AgentView | Refusal:
    body = call.body
    made = await provisioning.create_agent(
        call.tenant.id,
        call.deps,
        call.who,
        name=body.name,
        purpose=body.purpose,
        owner=_person(body.owner),
        sponsor=_person(body.sponsor),
        role=body.role,
        model=body.model,
        active=body.active,
    )
    if isinstance(made, Refusal):
        return made
    if body.remit is not None:
        remit = await _publish(call, made.id, body.remit)
        if isinstance(remit, Refusal):
            return remit
    return (await _told(call, [made]))[0]


async def change_agent(call: Call[NoQuery, AgentChanges]) -> AgentView | Refusal:
    agent = await _find(call)
    if isinstance(agent, Refusal):
        return agent
    made = await provisioning.change_agent(call.tenant.id, call.deps, call.who, replace(agent, **given(call.body)))
    return made if isinstance(made, Refusal) else (await _told(call, [made]))[0]


async def activate_agent(call: Call[NoQuery, Because]) -> AgentView | Refusal:
    return await _step(call, AgentState.ACTIVE)


async def retire_agent(call: Call[NoQuery, Because]) -> AgentView | Refusal:
    return await _step(call, AgentState.RETIRED)


async def list_remits(call: Call[NumberedQuery, None]) -> Remits | Refusal:
    agent = await _find(call)
    if isinstance(agent, Refusal):
        return agent
    rows = await call.work.agents.remits(agent.id, before=call.query.cursor, limit=call.query.limit + 1)
    page, last = cut(rows, call.query.limit)
    return Remits(remits=[_remit(remit) for remit in page], next=str(last.version) if last else None)


async def publish_remit(call: Call[NoQuery, NewRemit]) -> RemitView | Refusal:
    made = await _publish(call, AgentId(call.path["agent"]), call.body)
    return made if isinstance(made, Refusal) else _remit(made)


async def shorten_remit(call: Call[NoQuery, Lifetime]) -> RemitView | Refusal:
    agent, seconds = AgentId(call.path["agent"]), call.body.token_seconds
    made = await shorten_agent(call.tenant.id, call.deps, call.who, agent=agent, seconds=seconds)
    return made if isinstance(made, Refusal) else _remit(made)


async def _publish(call: Call[Any, Any], agent: AgentId, wanted: NewRemit) -> Remit | Refusal:
    return await provisioning.publish_remit(
        call.tenant.id,
        call.deps,
        call.who,
        agent=agent,
        scopes=frozenset(
            ScopeKey(ResourceId(resource), name) for resource, names in wanted.scopes.items() for name in names
        ),
        expires_at=utc(wanted.expires_at),
        token_seconds=wanted.token_seconds,
        dpop_bound=wanted.dpop_bound,
    )


async def _step(call: Call[NoQuery, Because], state: AgentState) -> AgentView | Refusal:
    made = await provisioning.set_agent_state(
        call.tenant.id,
        call.deps,
        call.who,
        agent=AgentId(call.path["agent"]),
        state=state,
        reason=call.body.reason,
    )
    return made if isinstance(made, Refusal) else (await _told(call, [made]))[0]


async def _find(call: Call[Any, Any]) -> Agent | Refusal:
    return await call.work.agents.get(AgentId(call.path["agent"])) or NO_AGENT


async def _told(call: Call[Any, Any], agents: Sequence[Agent]) -> list[AgentView]:
    stops = await call.work.stops.on([Target(TargetKind.AGENT, agent.id) for agent in agents])
    stopped = {stop.target.id for stop in stops if stop.in_force(call.deps.clock.now())}
    return [
        AgentView(
            id=agent.id,
            name=agent.name,
            purpose=agent.purpose,
            owner=agent.owner,
            sponsor=agent.sponsor,
            role=agent.role,
            model=agent.model,
            state="stopped" if agent.id in stopped else agent.state,
            stored_state=agent.state,
            created_at=agent.created_at,
        )
        for agent in agents
    ]


def _remit(remit: Remit) -> RemitView:
    return RemitView(
        id=remit.id,
        agent=remit.agent,
        version=remit.version,
        scopes={resource: sorted(remit.on(resource)) for resource in sorted({key.resource for key in remit.scopes})},
        expires_at=remit.expires_at,
        token_seconds=remit.token_seconds,
        dpop_bound=remit.dpop_bound,
    )


def _person(user: str | None) -> UserId | None:
    return None if user is None else UserId(user)


_ALL: Final = "/api/v1/agents"
_ONE: Final = "/api/v1/agents/{agent}"

OPERATIONS: Final = (
    Operation("GET", _ALL, "agents:read", list_agents, "List agents", AgentPage, query=NamedQuery),
    Operation("POST", _ALL, "agents:write", create_agent, "Register an agent", AgentView, body=NewAgent, created=True),
    Operation("GET", _ONE, "agents:read", get_agent, "Show an agent", AgentView),
    Operation(
        "PATCH", _ONE, "agents:write", change_agent, "Change an agent", AgentView, body=AgentChanges, current=get_agent
    ),
    Operation("POST", f"{_ONE}/activate", "agents:write", activate_agent, "Let an agent act", AgentView, body=Because),
    Operation(
        "POST", f"{_ONE}/retire", "agents:write", retire_agent, "Retire an agent for ever", AgentView, body=Because
    ),
    Operation(
        "GET", f"{_ONE}/remits", "agents:read", list_remits, "List versions of a remit", Remits, query=NumberedQuery
    ),
    Operation(
        "POST",
        f"{_ONE}/remits",
        "agents:write",
        publish_remit,
        "Publish a remit",
        RemitView,
        body=NewRemit,
        created=True,
    ),
    Operation(
        "POST",
        f"{_ONE}/remits/shorten",
        "agents:write",
        shorten_remit,
        "Publish the remit again, with another token lifetime",
        RemitView,
        body=Lifetime,
        created=True,
    ),
)
