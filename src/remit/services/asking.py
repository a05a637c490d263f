"""Choose how the clients of a tenant may ask."""

from __future__ import annotations

from remit.core.audit.events import TenantAskingChanged, Who
from remit.core.names import TenantId
from remit.ports.deps import Deps


async def choose_asking(tenant: TenantId, deps: Deps, who: Who, *, require_pushed: bool) -> None:
    """Choose whether every client has to push. Requests that are on their way go on."""
    async with deps.db.work(tenant) as work:
        await work.tenants.choose_asking(require_pushed=require_pushed)
        await work.events.append(TenantAskingChanged(who=who, require_pushed=require_pushed), at=deps.clock.now())
