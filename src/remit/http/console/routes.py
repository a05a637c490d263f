"""The console's routes: who may look, who may act, and where each form leads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import plain_text
from remit.core.names import AgentId, EventId, GrantId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.http._kit.render import View
from remit.http.console.agent.load import load as load_agent
from remit.http.console.agent_access.load import load as load_agent_access
from remit.http.console.agent_credentials.load import load as load_agent_credentials
from remit.http.console.agent_log.load import load_activity, load_history
from remit.http.console.agents.load import load as load_agents
from remit.http.console.audit.load import load as load_audit
from remit.http.console.credentials import ROUTES as CREDENTIALS
from remit.http.console.ending import end, show
from remit.http.console.event.load import load as load_event
from remit.http.console.grants.load import load as load_grants
from remit.http.console.overview.load import load as load_overview
from remit.http.console.register.routes import ROUTES as REGISTER
from remit.http.console.resources.load import load as load_resources
from remit.http.console.rows import agent_url
from remit.http.console.search.load import load as load_search
from remit.http.console.settings.routes import ROUTES as SETTINGS
from remit.http.console.stopping import REASON, RESUMED
from remit.http.console.stopping import ROUTES as STOPPING
from remit.http.console.taking_back.routes import ROUTES as TAKING_BACK
from remit.http.visits import ADMINS, READERS, Visit, form_for, page_for
from remit.services.grant_changes import revoke_any
from remit.services.stops import lift_stops, place_stop
from remit.wire.parse import Form

LONGEST_REASON: Final = 200


async def show_overview(visit: Visit) -> Response:
    return show(visit, await load_overview(visit))


async def show_agents(visit: Visit) -> Response:
    return show(visit, await load_agents(visit))


def tab_of(load: Callable[[Visit, AgentId], Awaitable[View | None]]) -> Callable[[Visit], Awaitable[Response]]:
    """Return what shows one tab of the agent that the path names."""

    async def show_tab(visit: Visit) -> Response:
        agent = visit.named("agent")
        return show(visit, await load(visit, AgentId(agent)) if agent else None)

    return show_tab


async def show_resources(visit: Visit) -> Response:
    return show(visit, await load_resources(visit))


async def show_grants(visit: Visit) -> Response:
    return show(visit, await load_grants(visit))


async def show_search(visit: Visit) -> Response:
    return show(visit, await load_search(visit))


async def show_audit(visit: Visit) -> Response:
    return show(visit, await load_audit(visit))


async def show_event(visit: Visit) -> Response:
    event = visit.named("event")
    return show(visit, await load_event(visit, EventId(event)) if event else None)


async def stop_agent(visit: Visit, form: Form) -> Response:
    agent = visit.named("agent")
    if agent is None:
        return visit.missing()
    reason = plain_text(form.one("reason") or "", limit=LONGEST_REASON) or REASON
    outcome = await place_stop(visit.tenant, _agent(agent), visit.deps, visit.about_agent(agent), reason=reason)
    return end(visit, outcome, _back(visit, agent, "stopped"))


async def resume_agent(visit: Visit, form: Form) -> Response:
    agent = visit.named("agent")
    if agent is None:
        return visit.missing()
    reason = plain_text(form.one("reason") or "", limit=LONGEST_REASON) or RESUMED
    outcome = await lift_stops(visit.tenant, _agent(agent), visit.deps, visit.about_agent(agent), reason=reason)
    return end(visit, outcome, _back(visit, agent, "resumed"))


async def revoke_grant(visit: Visit, _: Form) -> Response:
    grant = visit.named("grant")
    if grant is None:
        return visit.missing()
    who = visit.admin_who()
    outcome = await revoke_any(visit.tenant, GrantId(grant), visit.deps, who, reason="revoked in the console")
    if isinstance(outcome, Refusal):
        return end(visit, outcome, "")
    to_agent = visit.query.one("to") == "agent"
    url = agent_url(visit, outcome.agent) if to_agent else f"{visit.issuer}/console/grants"
    return end(visit, outcome, f"{url}?said=revoked&about={outcome.id}")


def _agent(agent: str) -> Target:
    return Target(TargetKind.AGENT, agent)


def _back(visit: Visit, agent: str, said: str) -> str:
    to_table = visit.query.one("to") == "agents"
    url = f"{visit.issuer}/console/agents" if to_table else agent_url(visit, agent)
    return f"{url}?said={said}&about={agent}"


ROUTES: Final = (
    Route("/console", page_for(READERS, show_overview), methods=["GET"]),
    Route("/console/agents", page_for(READERS, show_agents), methods=["GET"]),
    *REGISTER,
    Route("/console/agents/{agent}", page_for(READERS, tab_of(load_agent)), methods=["GET"]),
    Route("/console/agents/{agent}/stop", form_for(ADMINS, stop_agent), methods=["POST"]),
    Route("/console/agents/{agent}/resume", form_for(ADMINS, resume_agent), methods=["POST"]),
    Route("/console/agents/{agent}/access", page_for(READERS, tab_of(load_agent_access)), methods=["GET"]),
    Route("/console/agents/{agent}/activity", page_for(READERS, tab_of(load_activity)), methods=["GET"]),
    Route("/console/agents/{agent}/credentials", page_for(READERS, tab_of(load_agent_credentials)), methods=["GET"]),
    Route("/console/agents/{agent}/history", page_for(READERS, tab_of(load_history)), methods=["GET"]),
    Route("/console/resources", page_for(READERS, show_resources), methods=["GET"]),
    *CREDENTIALS,
    *SETTINGS,
    Route("/console/grants", page_for(READERS, show_grants), methods=["GET"]),
    *TAKING_BACK,
    Route("/console/grants/{grant}/revoke", form_for(ADMINS, revoke_grant), methods=["POST"]),
    Route("/console/search", page_for(READERS, show_search), methods=["GET"]),
    *STOPPING,
    Route("/console/audit", page_for(READERS, show_audit), methods=["GET"]),
    Route("/console/audit/{event}", page_for(READERS, show_event), methods=["GET"]),
)
