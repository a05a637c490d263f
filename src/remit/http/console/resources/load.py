"""Fill the catalogue of resources and scopes."""

from __future__ import annotations

from remit.core.stops import TargetKind
from remit.http._kit.views import Link, StopTarget
from remit.http.console.resources.page import ResourceCard, ResourcesPage, ScopeRow
from remit.http.console.rows import (
    access_tabs,
    agent_url,
    console_frame,
    credential_rows,
    grants_url,
    stopped_among,
    tenant_flag,
)
from remit.http.trail import id_trail_of, trail_url
from remit.http.visits import Visit
from remit.services.catalogue import Entry, Holders, list_resources

NAMED = 5
"""Agents that are named at a scope; the others are counted."""


async def load(visit: Visit) -> ResourcesPage:
    trail = id_trail_of(visit)
    found = await list_resources(visit.tenant, visit.deps, after=trail[-1] if trail else "")
    stopped = await stopped_among(visit, TargetKind.RESOURCE, [entry.resource.id for entry in found.entries])
    base = f"{visit.issuer}/console/resources"
    return ResourcesPage(
        frame=await console_frame(visit, "Access"),
        tabs=access_tabs(visit, "Resources and scopes"),
        cards=tuple(_card(visit, entry, stopped) for entry in found.entries),
        command="remit resources create https://calendar.example.com --name Calendar "
        f'--scope "read:calendar=See your events"{tenant_flag(visit)}',
        partial=found.partial,
        more=trail_url(base, [*trail, found.next]) if found.next else "",
        back=trail_url(base, trail[:-1]) if trail else "",
    )


def _card(visit: Visit, entry: Entry, stopped: frozenset[str]) -> ResourceCard:
    resource = entry.resource
    url = f"{visit.issuer}/console/resources/{resource.id}"
    return ResourceCard(
        name=resource.name,
        uri=resource.uri,
        state="stopped" if resource.id in stopped else resource.state,
        stop=None
        if entry.own or resource.id in stopped
        else StopTarget(kind="resource", id=resource.id, name=resource.name),
        token_seconds=resource.token_seconds,
        dpop_bound=resource.dpop_bound,
        own=entry.own,
        server=None if entry.server is None else Link(label=entry.server.name, href=agent_url(visit, entry.server.id)),
        scopes=tuple(_scope(visit, entry, holders) for holders in entry.scopes),
        credentials=credential_rows(visit, url, entry.credentials),
        roll=f"{url}/roll" if visit.may_write and not entry.own else "",
    )


def _scope(visit: Visit, entry: Entry, holders: Holders) -> ScopeRow:
    scope = holders.scope
    return ScopeRow(
        name=scope.name,
        sentence=scope.sentence,
        risk=scope.risk,
        sensitive=scope.sensitive,
        agents=tuple(Link(label=agent.name, href=agent_url(visit, agent.id)) for agent in holders.agents[:NAMED]),
        more=max(0, len(holders.agents) - NAMED),
        grants=holders.grants,
        grants_href=grants_url(visit, resource=entry.resource.id, scope=scope.name, state="active"),
    )
