"""Fill the summary of one agent."""

from __future__ import annotations

from remit.core.names import AgentId
from remit.http.console.agent.head import head_of
from remit.http.console.agent.page import AgentPage
from remit.http.console.rows import console_frame, grant_row
from remit.http.visits import Visit
from remit.services.directory import describe_agent


async def load(visit: Visit, agent: AgentId) -> AgentPage | None:
    record = await describe_agent(visit.tenant, agent, visit.deps)
    if record is None:
        return None
    facts, remit = record.facts, record.remit
    return AgentPage(
        frame=await console_frame(visit, "Agents"),
        head=head_of(visit, record, "Summary"),
        purpose=facts.agent.purpose,
        owner=facts.owner.email if facts.owner else "",
        sponsor=record.sponsor.email if record.sponsor else "",
        role=facts.agent.role,
        model=facts.agent.model,
        created_at=facts.agent.created_at,
        last_seen=facts.last_used,
        granted=facts.granted,
        used=facts.used,
        remit_version=remit.version if remit else 0,
        remit_scopes=len(remit.scopes) if remit else 0,
        remit_expires_at=remit.expires_at if remit else None,
        token_seconds=remit.token_seconds if remit else None,
        dpop_bound=remit is not None and remit.dpop_bound,
        grants=tuple(grant_row(visit, grant, back="?to=agent") for grant in record.grants),
    )
