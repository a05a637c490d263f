"""Govern how long tokens live: per tenant, resource and remit. What is issued from now on obeys."""

from __future__ import annotations

from dataclasses import replace

from remit.core.agents import Remit
from remit.core.audit.events import ResourceChanged, TenantLifetimesChanged, Who
from remit.core.lifetimes import ChosenLifetimes, Lifetimes, judge_lifetimes
from remit.core.names import AgentId, ResourceId, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_token_seconds
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.services.provisioning.agents import NO_AGENT, publish_in
from remit.services.provisioning.credentials import NO_RESOURCE


async def lifetimes_of(tenant: TenantId, deps: Deps) -> tuple[ChosenLifetimes, Lifetimes]:
    """Return what the tenant chose, and what holds in it."""
    async with deps.db.read(tenant) as work:
        chosen = (await work.tenants.current()).lifetimes
    return chosen, chosen.over(deps.lifetimes)


async def choose_lifetimes(tenant: TenantId, deps: Deps, who: Who, chosen: ChosenLifetimes) -> Lifetimes | Refusal:
    """Choose the tenant's lifetimes, and return what holds. What is None is left to the instance.

    Access tokens that exist keep their end; refresh tokens that exist obey when they are shown next.
    """
    if (flaw := judge_lifetimes(chosen, deps.lifetimes)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        await work.tenants.choose_lifetimes(chosen)
        event = TenantLifetimesChanged(
            who=who,
            access_seconds=chosen.access_seconds,
            refresh_idle_days=chosen.refresh_idle_days,
            refresh_absolute_days=chosen.refresh_absolute_days,
        )
        await work.events.append(event, at=deps.clock.now())
    return chosen.over(deps.lifetimes)


async def shorten_resource(
    tenant: TenantId, deps: Deps, who: Who, *, resource: ResourceId, seconds: int | None
) -> Resource | Refusal:
    """Shorten access tokens to one resource below what the tenant gives; None leaves it to the tenant."""
    if (flaw := check_token_seconds(seconds)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.resources.get(resource)
        if found is None:
            return NO_RESOURCE
        shortened = replace(found, token_seconds=seconds)
        await work.resources.change(shortened)
        event = ResourceChanged(
            who=replace(who, resource=found.uri),
            uri=found.uri,
            changed=("token_seconds",),
            scopes=tuple(scope.name for scope in found.scopes),
            removed=(),
        )
        await work.events.append(event, at=deps.clock.now())
    return shortened


async def shorten_agent(
    tenant: TenantId, deps: Deps, who: Who, *, agent: AgentId, seconds: int | None
) -> Remit | Refusal:
    """Shorten an agent's access tokens by a new version of its remit, which is otherwise as it was."""
    if (flaw := check_token_seconds(seconds)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        found = await work.agents.get(agent)
        if found is None:
            return NO_AGENT
        remit = await work.agents.remit(agent)
        if remit is None:
            return Refusal("conflict", "the agent has no remit yet: say first what it may do")
        return await publish_in(
            work,
            found,
            deps,
            who,
            scopes=remit.scopes,
            expires_at=remit.expires_at,
            token_seconds=seconds,
            dpop_bound=remit.dpop_bound,
        )
