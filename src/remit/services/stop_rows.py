"""One stop inside a work that is already open: its row, what ends with it, and its event."""

from __future__ import annotations

from datetime import datetime

from remit.core.audit.events import StopPlaced, Who
from remit.core.names import AgentId, ClientId, GrantId, LineId, Prefix, ResourceId, SessionId, StopId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import RESUMABLE, Stop, Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.logout_notices import note_logout


async def stop_in(
    work: Work, target: Target, deps: Deps, who: Who, *, reason: str, until: datetime | None = None
) -> Stop | Refusal:
    """Do what `place_stop` does inside a work that is already open."""
    now = deps.clock.now()
    if until is not None and target.kind not in RESUMABLE:
        return Refusal("invalid_request", f"a stop on a {target.kind} is a revocation and cannot end: leave out --for")
    if until is not None and until <= now:
        return Refusal("invalid_request", "the end of a stop must lie in the future")
    if not reason.strip():
        return Refusal("invalid_request", "say why: a stop carries a reason")
    if not await _exists(work, target):
        return Refusal("not_found", f"no such {target.kind}")
    if target.kind not in RESUMABLE:
        # Where one is in force it is over already. A second row would change nothing, and whoever repeats himself
        # could fill the feed. A row that is not in force narrowed a grant (grant_changes) and has ended nothing.
        for stop in await work.stops.on((target,)):
            if stop.in_force(now):
                return stop
    if target.kind is TargetKind.GRANT:
        await work.grants.revoke(GrantId(target.id), at=now, reason=reason)
    if target.kind is TargetKind.LINE:
        await work.lines.revoke(LineId(target.id), at=now, reason=reason)
    if target.kind is TargetKind.SESSION:
        await work.sessions.end(SessionId(target.id), at=now)
        await note_logout(work, SessionId(target.id), deps)
    stop = await put_row(work, target, deps, who, reason=reason, until=until)
    await work.events.append(
        StopPlaced(
            who=who,
            stop=stop.id,
            target_kind=target.kind,
            target=target.id,
            reason=reason,
            until=until.isoformat(timespec="seconds") if until else None,
            epoch=stop.epoch,
        ),
        at=now,
    )
    return stop


async def put_row(
    work: Work,
    target: Target,
    deps: Deps,
    who: Who,
    *,
    reason: str,
    until: datetime | None = None,
    over_at_once: bool = False,
) -> Stop:
    """Place the row of a stop, which gives it its epoch, and write nothing about it: the caller's event does.

    `over_at_once`: the stop is lifted as it begins, so that it only refuses what was issued before it (ADR 3).
    """
    now = deps.clock.now()
    return await work.stops.place(
        Stop(
            id=StopId(deps.fresh.id(Prefix.STOP)),
            target=target,
            reason=reason,
            actor_kind=who.actor_kind,
            actor=who.actor,
            started_at=now,
            ends_at=until,
            lifted_at=now if over_at_once else None,
            lifted_by=who.actor if over_at_once else None,
            epoch=0,
        )
    )


async def _exists(work: Work, target: Target) -> bool:
    """Look the target up in this tenant. What belongs to another tenant does not exist here."""
    match target.kind:
        case TargetKind.AGENT:
            return await work.agents.get(AgentId(target.id)) is not None
        case TargetKind.CLIENT:
            return await work.clients.get(ClientId(target.id)) is not None
        case TargetKind.USER:
            return await work.users.get(UserId(target.id)) is not None
        case TargetKind.RESOURCE:
            return await work.resources.get(ResourceId(target.id)) is not None
        case TargetKind.GRANT:
            return await work.grants.get(GrantId(target.id)) is not None
        case TargetKind.LINE:
            return await work.lines.get(LineId(target.id)) is not None
        case TargetKind.SESSION:
            return await work.sessions.find(SessionId(target.id)) is not None
        case TargetKind.TENANT:
            return (await work.tenants.current()).id == target.id
        case TargetKind.KID:
            return any(key.kid == target.id for key in await work.keys.all())
        case TargetKind.TOKEN:
            return True  # access tokens have no row; a stop on an id nobody holds stops nobody
