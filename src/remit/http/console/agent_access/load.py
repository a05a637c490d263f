"""Fill the tab that holds granted against used."""

from __future__ import annotations

from datetime import datetime

from remit.core.agents import Remit
from remit.core.names import AgentId
from remit.http._kit.views import Resource
from remit.http.console.agent.head import head_of
from remit.http.console.agent_access.page import AgentAccessPage, RemitOnResource, ScopeUse
from remit.http.console.rows import console_frame
from remit.http.trail import with_query
from remit.http.visits import Visit
from remit.ports.work import Usage
from remit.services.directory import AgentRecord, Standing, describe_agent


async def load(visit: Visit, agent: AgentId) -> AgentAccessPage | None:
    record = await describe_agent(visit.tenant, agent, visit.deps)
    if record is None:
        return None
    return AgentAccessPage(
        frame=await console_frame(visit, "Agents"),
        head=head_of(visit, record, "Access"),
        remit_version=record.remit.version if record.remit else 0,
        trim=with_query(f"{visit.issuer}/console/grants/trim", agent=agent) if visit.may_write else "",
        parts=_parts(record, record.remit) if record.remit else (),
    )


def _parts(record: AgentRecord, remit: Remit) -> tuple[RemitOnResource, ...]:
    parts = []
    for resource in record.resources:
        here = [facts for facts in record.grants if facts.resource.id == resource.id]
        usage = [entry for facts in here for entry in facts.usage]
        giving = [facts.grant for facts in here if facts.standing in {Standing.ACTIVE, Standing.STOPPED}]
        allowed = remit.on(resource.id)
        scopes = tuple(
            ScopeUse(
                name=scope.name,
                sentence=scope.sentence,
                risk=scope.risk,
                grants=sum(scope.name in grant.scopes for grant in giving),
                calls=sum(entry.count for entry in usage if entry.scope == scope.name),
                denied=sum(entry.denied for entry in usage if entry.scope == scope.name),
                last_used=_last(usage, scope.name),
            )
            for scope in resource.scopes
            if scope.name in allowed
        )
        parts.append(RemitOnResource(resource=Resource(name=resource.name, uri=resource.uri), scopes=scopes))
    return tuple(parts)


def _last(usage: list[Usage], scope: str) -> datetime | None:
    return max((entry.last_at for entry in usage if entry.scope == scope and entry.count), default=None)
