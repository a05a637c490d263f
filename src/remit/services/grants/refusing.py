"""Record a refused request. The refusal commits: what it did and that it happened are kept."""

from __future__ import annotations

from dataclasses import replace

from remit.core.audit.events import SYSTEM, ReuseDetected, TokenRefused, Who
from remit.core.clients import Party
from remit.core.grants import Line
from remit.core.names import TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.origin import Origin
from remit.services.stop_rows import put_row


async def refuse(work: Work, refusal: Refusal, who: Who, deps: Deps, *, grant_type: str) -> Refusal:
    """Write down the refusal and hand it back. Strangers are counted, whoever proved himself gets an event each."""
    event = TokenRefused(who=who, grant_type=grant_type, code=refusal.code, reason=refusal.audit or refusal.hint)
    if who.actor_kind == "unknown":
        await work.events.tally(event, reason=f"{refusal.code}: {event.reason}", at=deps.clock.now())
    else:
        await work.events.append(event, at=deps.clock.now())
    return refusal


async def refuse_stranger(
    work: Work, refusal: Refusal, presented: Presented, deps: Deps, origin: Origin, *, grant_type: str
) -> Refusal:
    """Refuse whoever failed to prove a client. What he called himself is told only if there is such a client.

    Anything else could be a secret in the wrong field, and the log keeps things for ever (GEN-14).
    """
    known = await work.clients.get(presented.client)
    who = origin.nobody(client=known.id if known is not None else None)
    return await refuse(work, refusal, who, deps, grant_type=grant_type)


def before_proof(party: Party, origin: Origin) -> Who:
    """Name who speaks before he has shown a code or token that is his.

    A public client proves nothing by its name: until then anybody may be speaking, and is counted like a stranger.
    """
    who = origin.party(party)
    return replace(who, actor_kind="unknown", actor="unknown") if party.client.public else who


async def note_refusal(tenant: TenantId, refusal: Refusal, deps: Deps, origin: Origin, *, grant_type: str) -> Refusal:
    """Count a request that was refused before anybody was looked at, and hand the refusal back."""
    async with deps.db.work(tenant) as work:
        return await refuse(work, refusal, origin.nobody(), deps, grant_type=grant_type)


async def end_leaked_line(work: Work, line: Line, who: Who, deps: Deps, *, reason: str) -> None:
    """Revoke a line whose secret was seen in the wrong hands, stop its access tokens, and raise the finding."""
    now = deps.clock.now()
    who = replace(who, user=line.user, grant=line.grant, line=line.id)
    event = ReuseDetected(who=who, reason=reason)
    if not await work.lines.revoke(line.id, at=now, reason=reason):
        # It is over already: whoever goes on trying is counted, and cannot fill the feed.
        await work.events.tally(event, reason=f"{line.id}: {reason}", at=now)
        return
    await put_row(work, Target(TargetKind.LINE, line.id), deps, SYSTEM, reason=reason)
    await work.events.append(event, at=now)
