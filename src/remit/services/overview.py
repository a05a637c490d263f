"""The tenant at a glance: how much there is, what happened in the last day, what is stopped."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from remit.core.agents import AgentState
from remit.core.audit.events import DecisionReported, DenialReported, Outcome
from remit.core.names import TenantId
from remit.core.stops import RESUMABLE
from remit.ports.deps import Deps
from remit.ports.work import EventFilter, GrantFilter, Work
from remit.services.activity import Told, tell
from remit.services.directory import PAGE, Directory, StopInForce, live

DAY = timedelta(hours=24)
MOST_COUNTED = 5000
"""Events of the last day that are looked at; beyond that the numbers say that they are not all."""

COUNTED = 1000
"""Agents, and grants, that are looked at to count them."""

TOP = 5
_BATCH = 500
_CALLS = frozenset({DecisionReported.type, DenialReported.type})


class DeniedScope(NamedTuple):
    """What was missing, whose call it was (an agent's id, or nothing known), and the guard's reason."""

    scope: str
    agent: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    calls: int
    denied: int
    most: tuple[tuple[DeniedScope, str, int], ...]
    """What was denied most: with the agent's name, and how often."""
    partial: bool
    """There was more than was counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """A stop that can be lifted, and the name of what it stops."""

    stopped: StopInForce
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    agents: int
    more_agents: bool
    """There are more than were counted."""
    grants: int
    more_grants: bool
    day: Day
    stops: tuple[Stopped, ...]
    has_resource: bool
    has_grant: bool
    has_call: bool


async def look_over(tenant: TenantId, deps: Deps) -> Overview:
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        current = await work.tenants.current()
        agents = await work.agents.page(limit=COUNTED + 1)
        grants = await work.grants.page(GrantFilter(), limit=COUNTED + 1)
        resources = await work.resources.page(limit=2)
        day = await _day(work, directory, deps)
        stops = []
        for stop in await work.stops.page(in_force_at=now, limit=PAGE):
            if stop.target.kind in RESUMABLE:
                by = await directory.label(stop.actor) or stop.actor
                name = await directory.label(stop.target.id)
                name = name or (current.name if stop.target.id == current.id else stop.target.id)
                stops.append(Stopped(stopped=StopInForce(stop=stop, by=by), name=name))
        return Overview(
            agents=sum(agent.state is not AgentState.RETIRED for agent in agents[:COUNTED]),
            more_agents=len(agents) > COUNTED,
            grants=sum(live(grant, now) for grant in grants[:COUNTED]),
            more_grants=len(grants) > COUNTED,
            day=day,
            stops=tuple(stops),
            has_resource=any(resource.uri != current.api for resource in resources),
            has_grant=bool(grants),
            has_call=bool(day.calls) or bool(await work.events.page(EventFilter(type=DecisionReported.type), limit=1)),
        )


async def _day(work: Work, directory: Directory, deps: Deps) -> Day:
    since = deps.clock.now() - DAY
    calls = denied = counted = 0
    most: Counter[DeniedScope] = Counter()
    before: int | None = None
    while counted < MOST_COUNTED:
        found = await work.events.page(EventFilter(), before=before, limit=_BATCH)
        recent = [event for event in found if event.at >= since]
        counted += len(recent)
        calls += sum(event.type in _CALLS for event in recent)
        denied += sum(event.outcome == Outcome.DENIED for event in recent)
        for event in recent:
            if event.type == DenialReported.type:
                most.update(_missing(await tell(work, directory, event)))
        if len(recent) < _BATCH:
            break
        before = recent[-1].seq
    named = [(row, await directory.label(row.agent) or "", count) for row, count in most.most_common(TOP)]
    return Day(calls=calls, denied=denied, most=tuple(named), partial=counted >= MOST_COUNTED)


def _missing(told: Told) -> tuple[DeniedScope, ...]:
    """Return the scopes a refused call lacked; where it had them all, those that it needed."""
    required, held = told.listed("required"), told.listed("scopes")
    missing = [name for name in required if name not in held] or required or ["(no scope)"]
    agent, reason = told.who.get("agent", ""), str(told.what.get("reason", ""))
    return tuple(DeniedScope(scope=name, agent=agent, reason=reason) for name in missing)
