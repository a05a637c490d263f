"""REST v1: the tenant itself, and a look over it."""

from __future__ import annotations

from typing import Final

from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.ports.deps import Deps
from remit.services.overview import look_over
from remit.services.provisioning.users import turn_rights_on


class SettingsView(Thing):
    """What holds for the whole tenant."""

    tenant: str
    slug: str
    name: str
    issuer: str
    api: str
    rights_on: bool
    access_seconds: int
    refresh_idle_days: int
    refresh_absolute_days: int


class SettingsChanges(Shape):
    """What shall be different. Rights can be turned on; nobody turns them off, for then everybody held everything."""

    rights_on: bool


class OverviewView(View):
    """The tenant at a glance: what there is, and calls of the last 24 hours."""

    agents: int
    grants: int
    calls: int
    denied: int
    partial: bool
    """More happened than was counted."""
    stops: list[str]


async def get_settings(call: Call[NoQuery, None]) -> SettingsView:
    return _view(await call.work.tenants.current(), call.deps)


async def change_settings(call: Call[NoQuery, SettingsChanges]) -> SettingsView | Refusal:
    current = await call.work.tenants.current()
    if current.rights_on and not call.body.rights_on:
        return Refusal("conflict", "rights are on and stay on: otherwise every user would hold every scope")
    if call.body.rights_on and not current.rights_on:
        await turn_rights_on(call.tenant.id, call.deps, call.who)
    return _view(await call.work.tenants.current(), call.deps)


async def get_overview(call: Call[NoQuery, None]) -> OverviewView:
    seen = await look_over(call.tenant.id, call.deps)
    return OverviewView(
        agents=seen.agents,
        grants=seen.grants,
        calls=seen.day.calls,
        denied=seen.day.denied,
        partial=seen.day.partial,
        stops=[stopped.stopped.stop.id for stopped in seen.stops],
    )


def _view(tenant: Tenant, deps: Deps) -> SettingsView:
    return SettingsView(
        tenant=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        issuer=tenant.issuer,
        api=tenant.api,
        rights_on=tenant.rights_on,
        access_seconds=deps.lifetimes.access_seconds,
        refresh_idle_days=deps.lifetimes.refresh_idle_days,
        refresh_absolute_days=deps.lifetimes.refresh_absolute_days,
    )


OPERATIONS: Final = (
    Operation("GET", "/api/v1/settings", "settings:read", get_settings, "Show the settings", SettingsView),
    Operation(
        "PATCH",
        "/api/v1/settings",
        "settings:write",
        change_settings,
        "Change the settings",
        SettingsView,
        body=SettingsChanges,
        current=get_settings,
    ),
    Operation("GET", "/api/v1/overview", "audit:read", get_overview, "Look over the tenant", OverviewView),
)
