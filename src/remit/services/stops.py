"""Stop and resume: refuse somebody from now on, everywhere, in one transaction."""

from __future__ import annotations

from datetime import datetime

from remit.core.audit.events import StopLifted, Who
from remit.core.names import Kid, TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import RESUMABLE, Stop, Target, TargetKind
from remit.ports.deps import Deps
from remit.services.signing_keys import Spares, revoke_key
from remit.services.stop_rows import stop_in


async def place_stop(
    tenant: TenantId,
    target: Target,
    deps: Deps,
    who: Who,
    *,
    reason: str,
    until: datetime | None = None,
    spares: Spares | None = None,
) -> Stop | Refusal:
    """Stop a target. On a token, line, grant, key or session that is final; on the rest it can be lifted or run out.

    Refuses an unknown target (`not_found`) and an end time on something final. A stopped key leaves the key set and
    its successor signs: were it to stay, nothing could be issued and checkers would still trust it (KEY-1).
    """
    if target.kind is TargetKind.KID and until is None:
        return await revoke_key(tenant, Kid(target.id), deps, who, reason=reason, spares=spares)
    async with deps.db.work(tenant) as work:
        return await stop_in(work, target, deps, who, reason=reason, until=until)


async def lift_stops(
    tenant: TenantId, target: Target, deps: Deps, who: Who, *, reason: str
) -> tuple[Stop, ...] | Refusal:
    """Lift every stop in force on a target. Tokens from before stay refused; new ones can be issued (epochs)."""
    if target.kind not in RESUMABLE:
        return Refusal("invalid_request", f"a stop on a {target.kind} is final; ask for a new grant instead")
    async with deps.db.work(tenant) as work:
        now = deps.clock.now()
        lifted = []
        for stop in await work.stops.on((target,)):
            if stop.in_force(now) and await work.stops.lift(stop.id, at=now, by=who.actor):
                lifted.append(stop)
                event = StopLifted(who=who, stop=stop.id, target_kind=target.kind, target=target.id, reason=reason)
                await work.events.append(event, at=now)
        if not lifted:
            return Refusal("not_found", f"no stop is in force on this {target.kind}")
        return tuple(lifted)
