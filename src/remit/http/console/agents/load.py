"""Fill the table of agents."""

from __future__ import annotations

from remit.http._kit.views import Link
from remit.http.console.agent.head import may_stop
from remit.http.console.agents.page import AgentRow, AgentsPage
from remit.http.console.rows import agent_url, console_frame, register_command
from remit.http.trail import id_trail_of, trail_url, with_query
from remit.http.visits import Visit
from remit.services.directory import AgentFacts
from remit.services.tables import AgentsWanted, list_agents

CHIPS = (
    (AgentsWanted.ALL, "All"),
    (AgentsWanted.ACTIVE, "Active"),
    (AgentsWanted.STOPPED, "Stopped"),
    (AgentsWanted.STAGED, "Staged"),
    (AgentsWanted.RETIRED, "Retired"),
    (AgentsWanted.UNOWNED, "No owner"),
    (AgentsWanted.UNUSED, "Unused for 30 days"),
)


async def load(visit: Visit) -> AgentsPage:
    shown = visit.query.one("show") or ""
    wanted = AgentsWanted(shown) if shown in set(AgentsWanted) else AgentsWanted.ALL
    trail = id_trail_of(visit)
    part = await list_agents(visit.tenant, visit.deps, after=trail[-1] if trail else "", wanted=wanted)
    base = f"{visit.issuer}/console/agents"
    show = "" if wanted is AgentsWanted.ALL else wanted.value
    return AgentsPage(
        frame=await console_frame(visit, "Agents"),
        chips=tuple(
            Link(
                label=label,
                href=with_query(base, show="" if value is AgentsWanted.ALL else value),
                current=value is wanted,
            )
            for value, label in CHIPS
        ),
        rows=tuple(_row(visit, facts) for facts in part.rows),
        command=register_command(visit),
        register=f"{base}/register" if visit.may_write else "",
        narrowed=wanted is not AgentsWanted.ALL,
        more=trail_url(base, [*trail, part.next], show=show) if part.next else "",
        back=trail_url(base, trail[:-1], show=show) if trail else "",
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
