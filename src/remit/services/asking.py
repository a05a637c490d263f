"""Choose how the clients of a tenant may ask."""

from __future__ import annotations

from remit.core.audit.events import TenantAskingChanged, Who
from remit.core.names import TenantId
from remit.ports.deps import Deps


async def choose_asking(
    tenant: TenantId, deps: Deps, who: Who, *, require_pushed: bool | None = None, device_flow: bool | None = None
) -> None:
    """Choose whether every client has to push, and whether devices may ask by a code; None leaves it as it is.

    Requests to authorize that are on their way go on. Those of devices end with the device flow.
    """
    async with deps.db.work(tenant) as work:
        before = await work.tenants.current()
        pushed = before.require_pushed if require_pushed is None else require_pushed
        devices = before.device_flow if device_flow is None else device_flow
        await work.tenants.choose_asking(require_pushed=pushed, device_flow=devices)
        event = TenantAskingChanged(who=who, require_pushed=pushed, device_flow=devices)
        await work.events.append(event, at=deps.clock.now())
