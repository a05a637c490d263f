"""REST v1: stops."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from msgspec import Meta

from remit.core.names import Kid, StopId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Stop, Target, TargetKind
from remit.core.tenants import Tenant
from remit.http.api.operation import Call, Early, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Id, Limit, NumberedQuery, Reason, cut
from remit.ports.deps import Deps
from remit.services.signing_keys import spares_for
from remit.services.stops import lift_stops, place_stop

_TEN_YEARS: Final = 10 * 366 * 86400


class StopView(View):
    """A stop. Whatever was issued below its epoch to what it names is refused for ever."""

    id: str
    kind: TargetKind
    target: str
    reason: str
    actor: str
    started_at: datetime
    ends_at: datetime | None
    lifted_at: datetime | None
    epoch: int


class StopPage(View):
    stops: list[StopView]
    next: str | None


class StopQuery(NumberedQuery):
    """Part of the stops, newest first; `in_force` leaves out what is over."""

    in_force: bool = False
    limit: Limit = 50


class NewStop(Shape):
    """What a stop is placed with. `seconds` is how long; left out, it holds until lifted."""

    kind: TargetKind
    id: Id
    reason: Reason
    seconds: Annotated[int, Meta(ge=1, le=_TEN_YEARS)] | None = None


class Resume(Shape):
    kind: TargetKind
    id: Id
    reason: Reason


class Lifted(View):
    """The ids of the stops that are over now."""

    lifted: list[str]


async def list_stops(call: Call[StopQuery, None]) -> StopPage:
    query = call.query
    now = call.deps.clock.now() if query.in_force else None
    found = await call.work.stops.page(before=query.cursor, in_force_at=now, limit=query.limit + 1)
    page, last = cut(found, query.limit)
    return StopPage(stops=[stop_view(stop) for stop in page], next=str(last.epoch) if last else None)


async def get_stop(call: Call[NoQuery, None]) -> StopView | Refusal:
    stop = await call.work.stops.get(StopId(call.path["stop"]))
    return Refusal("not_found", "no such stop in this tenant") if stop is None else stop_view(stop)


async def create_stop(call: Call[NoQuery, NewStop]) -> StopView | Refusal:
    wanted = call.body
    until = call.deps.clock.now() + timedelta(seconds=wanted.seconds) if wanted.seconds is not None else None
    target = Target(wanted.kind, wanted.id)
    outcome = await place_stop(
        call.tenant.id, target, call.deps, call.who, reason=wanted.reason, until=until, spares=call.ready
    )
    return outcome if isinstance(outcome, Refusal) else stop_view(outcome)


async def resume(call: Call[NoQuery, Resume]) -> Lifted | Refusal:
    wanted = call.body
    target = Target(wanted.kind, wanted.id)
    outcome = await lift_stops(call.tenant.id, target, call.deps, call.who, reason=wanted.reason)
    return outcome if isinstance(outcome, Refusal) else Lifted(lifted=[stop.id for stop in outcome])


async def _ready(tenant: Tenant, deps: Deps, early: Early) -> Any:
    """Make what takes the place of a stopped key."""
    wanted: NewStop = early.body
    return await spares_for(tenant.id, Kid(wanted.id), deps) if wanted.kind is TargetKind.KID else None


def stop_view(stop: Stop) -> StopView:
    return StopView(
        id=stop.id,
        kind=stop.target.kind,
        target=stop.target.id,
        reason=stop.reason,
        actor=stop.actor,
        started_at=stop.started_at,
        ends_at=stop.ends_at,
        lifted_at=stop.lifted_at,
        epoch=stop.epoch,
    )


OPERATIONS: Final = (
    Operation("GET", "/api/v1/stops", "audit:read", list_stops, "List stops", StopPage, query=StopQuery),
    Operation(
        "POST",
        "/api/v1/stops",
        "stops:write",
        create_stop,
        "Refuse somebody from now on",
        StopView,
        body=NewStop,
        created=True,
        prepare=_ready,
    ),
    Operation("GET", "/api/v1/stops/{stop}", "audit:read", get_stop, "Show a stop", StopView),
    Operation("POST", "/api/v1/resume", "stops:write", resume, "Lift every stop on somebody", Lifted, body=Resume),
)
