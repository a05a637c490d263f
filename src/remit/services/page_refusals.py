"""Record that a page said no: whoever tries the ids of others leaves a trace where he tried."""

from __future__ import annotations

from remit.core.audit.events import PageRefused, Who
from remit.core.names import TenantId
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps


async def note_page_refusal(
    tenant: TenantId, refusal: Refusal, who: Who, deps: Deps, *, page: str, about: str = ""
) -> None:
    """Write down a refusal. People who are signed in get an event each, strangers are counted.

    `about` is the id that was asked for, where it looks like one of ours.
    """
    reason = refusal.audit or refusal.hint
    event = PageRefused(who=who, page=page, reason=reason, about=about)
    async with deps.db.work(tenant) as work:
        if who.actor_kind == "unknown":
            await work.events.tally(event, reason=f"{page}: {reason}", at=deps.clock.now())
        else:
            await work.events.append(event, at=deps.clock.now())
