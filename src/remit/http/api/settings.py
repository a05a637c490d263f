"""REST v1: the tenant itself, and a look over it."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, UnsetType

from remit.core.admission import USUAL, Documents, Registrations
from remit.core.oauth.verdicts import Refusal
from remit.http.api.operation import Call, NoQuery, Operation, Shape, Thing, View
from remit.http.api.shapes import given
from remit.services.admission import choose_admission
from remit.services.asking import choose_asking
from remit.services.lifetimes import choose_lifetimes
from remit.services.overview import look_over
from remit.services.provisioning.users import turn_rights_on


class LifetimesView(View):
    """How long access tokens live and when lines end; `chosen` names those that the tenant set itself."""

    access_seconds: int
    refresh_idle_days: int
    refresh_absolute_days: int
    chosen: list[str]


class AdmissionView(View):
    """Who may register, and whose metadata documents are read: of no host, any, those listed, or all others."""

    registration: Registrations
    documents: Documents
    hosts: list[str]
    same_origin: bool


class NewAdmission(Shape):
    """What the tenant chooses; what is left out stays."""

    registration: Registrations | UnsetType = UNSET
    documents: Documents | UnsetType = UNSET
    hosts: Annotated[list[Annotated[str, Meta(max_length=255)]], Meta(max_length=200)] | UnsetType = UNSET
    same_origin: bool | UnsetType = UNSET


class NewLifetimes(Shape):
    """What the tenant chooses; null leaves it to the instance, what is left out stays."""

    access_seconds: Annotated[int, Meta(ge=60, le=1800)] | UnsetType | None = UNSET
    refresh_idle_days: Annotated[int, Meta(ge=1, le=365)] | UnsetType | None = UNSET
    refresh_absolute_days: Annotated[int, Meta(ge=1, le=730)] | UnsetType | None = UNSET


class SettingsView(Thing):
    """What holds for the whole tenant."""

    tenant: str
    slug: str
    name: str
    issuer: str
    api: str
    rights_on: bool
    require_pushed: bool
    """Every client has to push its authorization requests."""
    device_flow: bool
    """Devices may ask by a code that a user types in."""
    lifetimes: LifetimesView
    admission: AdmissionView


class SettingsChanges(Shape):
    """What shall be different. Rights can be turned on; nobody turns them off, for then everybody held everything."""

    rights_on: bool | UnsetType = UNSET
    require_pushed: bool | UnsetType = UNSET
    device_flow: bool | UnsetType = UNSET
    lifetimes: NewLifetimes | UnsetType = UNSET
    admission: NewAdmission | UnsetType = UNSET


class OverviewView(View):
    """The tenant at a glance: what there is, and calls of the last 24 hours."""

    agents: int
    more_agents: bool
    """There are more than were counted."""
    grants: int
    more_grants: bool
    calls: int
    denied: int
    partial: bool
    """More happened than was counted."""
    stops: list[str]


async def get_settings(call: Call[NoQuery, None]) -> SettingsView:
    return await _view(call)


async def change_settings(call: Call[NoQuery, SettingsChanges]) -> SettingsView | Refusal:
    current, body = await call.work.tenants.current(), call.body
    if body.rights_on is False and current.rights_on:
        return Refusal("conflict", "rights are on and stay on: otherwise every user would hold every scope")
    if body.rights_on is True and not current.rights_on:
        await turn_rights_on(call.tenant.id, call.deps, call.who)
    pushed = current.require_pushed if body.require_pushed is UNSET else body.require_pushed
    devices = current.device_flow if body.device_flow is UNSET else body.device_flow
    if (pushed, devices) != (current.require_pushed, current.device_flow):
        await choose_asking(call.tenant.id, call.deps, call.who, require_pushed=pushed, device_flow=devices)
    if body.lifetimes is not UNSET:
        chosen = replace(current.lifetimes, **given(body.lifetimes))
        if chosen != current.lifetimes:
            outcome = await choose_lifetimes(call.tenant.id, call.deps, call.who, chosen)
            if isinstance(outcome, Refusal):
                return outcome
    if body.admission is not UNSET:
        before = await call.work.admission.get() or USUAL
        said = given(body.admission)
        admission = replace(before, **said | {name: tuple(said[name]) for name in ("hosts",) if name in said})
        if admission != before:
            taken = await choose_admission(call.tenant.id, call.deps, call.who, admission)
            if isinstance(taken, Refusal):
                return taken
    return await _view(call)


async def get_overview(call: Call[NoQuery, None]) -> OverviewView:
    seen = await look_over(call.tenant.id, call.deps)
    return OverviewView(
        agents=seen.agents,
        more_agents=seen.more_agents,
        grants=seen.grants,
        more_grants=seen.more_grants,
        calls=seen.day.calls,
        denied=seen.day.denied,
        partial=seen.day.partial,
        stops=[stopped.stopped.stop.id for stopped in seen.stops],
    )


_LIFETIMES: Final = ("access_seconds", "refresh_idle_days", "refresh_absolute_days")


async def _view(call: Call[Any, Any]) -> SettingsView:
    tenant, admission = await call.work.tenants.current(), await call.work.admission.get() or USUAL
    holds = tenant.lifetimes.over(call.deps.lifetimes)
    return SettingsView(
        tenant=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        issuer=tenant.issuer,
        api=tenant.api,
        rights_on=tenant.rights_on,
        require_pushed=tenant.require_pushed,
        device_flow=tenant.device_flow,
        lifetimes=LifetimesView(
            access_seconds=holds.access_seconds,
            refresh_idle_days=holds.refresh_idle_days,
            refresh_absolute_days=holds.refresh_absolute_days,
            chosen=[name for name in _LIFETIMES if getattr(tenant.lifetimes, name) is not None],
        ),
        admission=AdmissionView(
            registration=admission.registration,
            documents=admission.documents,
            hosts=list(admission.hosts),
            same_origin=admission.same_origin,
        ),
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
