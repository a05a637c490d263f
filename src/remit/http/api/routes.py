"""REST v1: agents, grants, stops and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.grants import Grant
from remit.core.names import AgentId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Stop, Target, TargetKind
from remit.http.api.access import ApiCaller, admit
from remit.http.context import context_of
from remit.ports.work import EventFilter, StoredEvent
from remit.services.stops import lift_stops, place_stop
from remit.wire.caller import tenant_of
from remit.wire.parse import TooLarge, parse_json, parse_query, read_body
from remit.wire.problems import render_problem, render_refused

Body = TypeVar("Body")
Handler = Callable[[Request, ApiCaller], Awaitable[Response]]

MAX_PAGE: Final = 200


async def list_agents(request: Request, _: ApiCaller) -> Response:
    async with context_of(request).deps.db.read(tenant_of(request).id) as work:
        found = await work.agents.list()
        stops = await work.stops.list(in_force_at=context_of(request).deps.clock.now())
    stopped = {stop.target.id for stop in stops if stop.target.kind is TargetKind.AGENT}
    return _json(
        {
            "agents": [
                {
                    "id": agent.id,
                    "name": agent.name,
                    "purpose": agent.purpose,
                    "owner": agent.owner,
                    "sponsor": agent.sponsor,
                    "state": "stopped" if agent.id in stopped else agent.state,
                    "created_at": _time(agent.created_at),
                }
                for agent in found
            ]
        }
    )


async def list_grants(request: Request, _: ApiCaller) -> Response:
    query = parse_query(request)
    if isinstance(query, Refusal):
        return render_refused(query)
    user, agent = query.one("user"), query.one("agent")
    async with context_of(request).deps.db.read(tenant_of(request).id) as work:
        found = await work.grants.list(
            user=UserId(user) if user else None, agent=AgentId(agent) if agent else None, active=False
        )
    return _json({"grants": [_grant(grant) for grant in found]})


async def list_stops(request: Request, _: ApiCaller) -> Response:
    async with context_of(request).deps.db.read(tenant_of(request).id) as work:
        return _json({"stops": [_stop(stop) for stop in await work.stops.list()]})


class _Stop(msgspec.Struct, forbid_unknown_fields=True):
    """What a stop is placed with. `seconds` is how long; left out, it holds until lifted."""

    kind: TargetKind
    id: str
    reason: str
    seconds: int | None = None


async def create_stop(request: Request, caller: ApiCaller) -> Response:
    wanted = await _body(request, _Stop)
    if isinstance(wanted, Response):
        return wanted
    deps = context_of(request).deps
    if wanted.seconds is not None and not 0 < wanted.seconds <= 10 * 366 * 86400:
        return render_problem("invalid_request", "seconds must be between 1 and ten years")
    until = deps.clock.now() + timedelta(seconds=wanted.seconds) if wanted.seconds is not None else None
    outcome = await place_stop(
        tenant_of(request).id, Target(wanted.kind, wanted.id), deps, caller.who, reason=wanted.reason, until=until
    )
    return render_refused(outcome) if isinstance(outcome, Refusal) else _json(_stop(outcome), created=True)


class _Resume(msgspec.Struct, forbid_unknown_fields=True):
    kind: TargetKind
    id: str
    reason: str


async def resume(request: Request, caller: ApiCaller) -> Response:
    wanted = await _body(request, _Resume)
    if isinstance(wanted, Response):
        return wanted
    outcome = await lift_stops(
        tenant_of(request).id,
        Target(wanted.kind, wanted.id),
        context_of(request).deps,
        caller.who,
        reason=wanted.reason,
    )
    if isinstance(outcome, Refusal):
        return render_refused(outcome)
    return _json({"lifted": [stop.id for stop in outcome]})


async def list_events(request: Request, _: ApiCaller) -> Response:
    """Page through events, newest first. `next` is the cursor of the following page, absent on the last."""
    query = parse_query(request)
    if isinstance(query, Refusal):
        return render_refused(query)
    before, limit = query.one("cursor"), query.one("limit") or "50"
    if (before is not None and not _number(before)) or not _number(limit) or not 0 < int(limit) <= MAX_PAGE:
        return render_problem("invalid_request", f"cursor is what `next` said, limit a number up to {MAX_PAGE}")
    wanted = EventFilter(
        type=query.one("type"),
        outcome=query.one("outcome"),
        user=query.one("user"),
        agent=query.one("agent"),
        client=query.one("client"),
        grant=query.one("grant"),
        jti=query.one("jti"),
    )
    async with context_of(request).deps.db.read(tenant_of(request).id) as work:
        found = await work.events.page(wanted, before=int(before) if before else None, limit=int(limit))
    body: dict[str, object] = {"events": [_event(event) for event in found]}
    if len(found) == int(limit):
        body["next"] = str(found[-1].seq)
    return _json(body)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API: where it is, what it needs, what it does."""

    method: str
    path: str
    permission: str
    handler: Handler

    def route(self) -> Route:
        async def endpoint(request: Request) -> Response:
            caller = await admit(request, self.permission)
            return caller if isinstance(caller, Response) else await self.handler(request, caller)

        return Route(self.path, endpoint, methods=[self.method])


OPERATIONS: Final = (
    Operation("GET", "/api/v1/agents", "agents:read", list_agents),
    Operation("GET", "/api/v1/grants", "grants:read", list_grants),
    Operation("GET", "/api/v1/stops", "audit:read", list_stops),
    Operation("POST", "/api/v1/stops", "stops:write", create_stop),
    Operation("POST", "/api/v1/resume", "stops:write", resume),
    Operation("GET", "/api/v1/events", "audit:read", list_events),
)
ROUTES: Final = tuple(operation.route() for operation in OPERATIONS)


async def _body(request: Request, kind: type[Body]) -> Body | Response:
    body = await read_body(request)
    if isinstance(body, TooLarge):
        return render_problem("too_large", "a body is at most 64 KiB")
    parsed = parse_json(body, kind)
    return render_problem("invalid_request", parsed) if isinstance(parsed, str) else parsed


def _json(body: object, *, created: bool = False) -> Response:
    headers = {"cache-control": "no-store"}
    return Response(msgspec.json.encode(body), 201 if created else 200, headers, "application/json")


def _grant(grant: Grant) -> dict[str, object]:
    return {
        "id": grant.id,
        "user": grant.user,
        "agent": grant.agent,
        "client": grant.client,
        "resource": grant.resource,
        "scopes": sorted(grant.scopes),
        "purpose": grant.purpose,
        "approver": grant.approver,
        "state": grant.state,
        "created_at": _time(grant.created_at),
        "expires_at": _time(grant.expires_at),
    }


def _stop(stop: Stop) -> dict[str, object]:
    return {
        "id": stop.id,
        "kind": stop.target.kind,
        "target": stop.target.id,
        "reason": stop.reason,
        "actor": stop.actor,
        "started_at": _time(stop.started_at),
        "ends_at": _time(stop.ends_at),
        "lifted_at": _time(stop.lifted_at),
        "epoch": stop.epoch,
    }


def _event(event: StoredEvent) -> dict[str, object]:
    return {"seq": event.seq, "event": msgspec.Raw(event.body)}


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if moment else None


def _number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 16
