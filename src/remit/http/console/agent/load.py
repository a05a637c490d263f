"""Fill the page of one agent."""

from __future__ import annotations

from datetime import datetime

from remit.core.agents import Remit
from remit.core.clients import Client
from remit.core.names import AgentId
from remit.http._kit.views import Resource
from remit.http.console.agent.page import AgentPage, ClientRow, RemitOnResource, ScopeUse
from remit.http.console.agents.load import may_stop
from remit.http.console.rows import agent_url, audit_url, console_frame, event_row, grant_row, stop_note
from remit.http.visits import Visit
from remit.ports.work import Usage
from remit.services.activity import Wanted, list_events
from remit.services.directory import AgentRecord, Standing, describe_agent

ACTIVITY = 10


async def load(visit: Visit, agent: AgentId) -> AgentPage | None:
    record = await describe_agent(visit.tenant, agent, visit.deps)
    if record is None:
        return None
    facts, remit = record.facts, record.remit
    activity, _ = await list_events(visit.tenant, Wanted(agent=agent), visit.deps, limit=ACTIVITY)
    url = agent_url(visit, agent)
    return AgentPage(
        frame=await console_frame(visit, "Agents"),
        back=f"{visit.issuer}/console/agents",
        id=agent,
        name=facts.agent.name,
        state="stopped" if facts.stopped else facts.agent.state,
        purpose=facts.agent.purpose,
        owner=facts.owner.email if facts.owner else "",
        sponsor=record.sponsor.email if record.sponsor else "",
        role=facts.agent.role,
        model=facts.agent.model,
        created_at=facts.agent.created_at,
        last_seen=facts.last_used,
        effect=_effect(record),
        remit_version=remit.version if remit else 0,
        remit_expires_at=remit.expires_at if remit else None,
        remit=_remit(record, remit) if remit else (),
        clients=tuple(_client(client) for client in facts.clients),
        grants=tuple(grant_row(visit, grant, back="?to=agent") for grant in record.grants),
        activity=tuple(event_row(visit, told) for told in activity),
        activity_href=audit_url(visit, agent=agent),
        stopped=stop_note(facts.stopped),
        stop=f"{url}/stop" if may_stop(visit, facts) else "",
        resume=f"{url}/resume" if visit.may_write and facts.stopped else "",
    )


def _effect(record: AgentRecord) -> str:
    sessions = f"{record.sessions} session{'' if record.sessions == 1 else 's'}"
    users = f"{record.users} user{'' if record.users == 1 else 's'}"
    return f"ends {sessions} of {users} within a second, and can be taken back."


def _remit(record: AgentRecord, remit: Remit) -> tuple[RemitOnResource, ...]:
    parts = []
    for resource in record.resources:
        live = [facts for facts in record.grants if facts.resource.id == resource.id and _gives(facts.standing)]
        usage = [entry for facts in record.grants if facts.resource.id == resource.id for entry in facts.usage]
        granted = {name for facts in live for name in facts.grant.scopes}
        allowed = remit.on(resource.id)
        scopes = tuple(
            ScopeUse(
                name=scope.name,
                sentence=scope.sentence,
                risk=scope.risk,
                granted=scope.name in granted,
                last_used=_last(usage, scope.name),
            )
            for scope in resource.scopes
            if scope.name in allowed
        )
        parts.append(RemitOnResource(resource=Resource(name=resource.name, uri=resource.uri), scopes=scopes))
    return tuple(parts)


def _gives(standing: Standing) -> bool:
    return standing in {Standing.ACTIVE, Standing.STOPPED}


def _last(usage: list[Usage], scope: str) -> datetime | None:
    return max((entry.last_at for entry in usage if entry.scope == scope and entry.count), default=None)


def _client(client: Client) -> ClientRow:
    return ClientRow(
        id=client.id,
        name=client.name,
        auth=client.auth_method,
        redirects=client.redirect_uris,
        registered="registered by itself" if client.self_registered else "registered by an administrator",
    )
