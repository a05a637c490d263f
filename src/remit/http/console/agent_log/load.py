"""Fill the tabs of one agent's events: Activity, what it did; History, what was done to it."""

from __future__ import annotations

from remit.core.names import AgentId
from remit.http.console.agent.head import head_of
from remit.http.console.agent_log.page import AgentLogPage
from remit.http.console.rows import agent_url, audit_url, console_frame, event_row
from remit.http.trail import trail_of, trail_url
from remit.http.visits import Visit
from remit.services.activity import Kind, Wanted, list_events
from remit.services.directory import describe_agent


async def load_activity(visit: Visit, agent: AgentId) -> AgentLogPage | None:
    return await _load(visit, agent, history=False)


async def load_history(visit: Visit, agent: AgentId) -> AgentLogPage | None:
    return await _load(visit, agent, history=True)


async def _load(visit: Visit, agent: AgentId, *, history: bool) -> AgentLogPage | None:
    record = await describe_agent(visit.tenant, agent, visit.deps)
    if record is None:
        return None
    tab, kind = ("History", Kind.CHANGES) if history else ("Activity", Kind.CALLS)
    trail = trail_of(visit)
    wanted = Wanted(agent=agent, kind=kind)
    rows, more = await list_events(visit.tenant, wanted, visit.deps, before=trail[-1] if trail else None)
    base = f"{agent_url(visit, agent)}/{tab.lower()}"
    return AgentLogPage(
        frame=await console_frame(visit, "Agents"),
        head=head_of(visit, record, tab),
        history=history,
        rows=tuple(event_row(visit, told) for told in rows),
        audit_href=audit_url(visit, agent=agent),
        older=trail_url(base, [*trail, rows[-1].stored.seq]) if more else "",
        newer=trail_url(base, trail[:-1]) if trail else "",
    )
