"""Fill the table of agents."""

from __future__ import annotations

from remit.core.agents import AgentState
from remit.http.console.agents.page import AgentRow, AgentsPage
from remit.http.console.rows import agent_url, console_frame, page_number, page_url, register_command
from remit.http.visits import Visit
from remit.services.directory import AgentFacts, list_agents


async def load(visit: Visit) -> AgentsPage:
    rows, where = await list_agents(visit.tenant, visit.deps, page=page_number(visit))
    base = f"{visit.issuer}/console/agents"
    return AgentsPage(
        frame=await console_frame(visit, "Agents"),
        rows=tuple(_row(visit, facts) for facts in rows),
        command=register_command(visit),
        older=page_url(base, where.number + 1) if where.more else "",
        newer=page_url(base, where.number - 1) if where.number > 1 else "",
    )


def _row(visit: Visit, facts: AgentFacts) -> AgentRow:
    agent, url = facts.agent, agent_url(visit, facts.agent.id)
    return AgentRow(
        name=agent.name,
        href=url,
        state="stopped" if facts.stopped else agent.state,
        owner=facts.owner.email if facts.owner else "",
        purpose=agent.purpose,
        auth=tuple(sorted({client.auth_method for client in facts.clients})),
        granted=facts.granted,
        used=facts.used,
        last_seen=facts.last_used,
        stop=f"{url}/stop?to=agents" if may_stop(visit, facts) else "",
        resume=f"{url}/resume?to=agents" if visit.may_write and facts.stopped else "",
    )


def may_stop(visit: Visit, facts: AgentFacts) -> bool:
    return visit.may_write and facts.stopped is None and facts.agent.state is not AgentState.RETIRED
