"""The tenant of a work."""

from __future__ import annotations

from datetime import datetime

from remit.core.errors import RemitError
from remit.core.lifetimes import ChosenLifetimes
from remit.core.names import TenantId
from remit.core.tenants import Tenant, TenantState, issuer_of
from remit.store.columns import to_ms
from remit.store.statements import Row, Statements

CURRENT = """
select tenant, slug, name, state, rights_on, access_seconds, refresh_idle_days, refresh_absolute_days, require_pushed,
       device_flow
  from tenant where tenant = :tenant
"""

CHOOSE_LIFETIMES = """
update tenant
   set access_seconds = :access_seconds, refresh_idle_days = :refresh_idle_days,
       refresh_absolute_days = :refresh_absolute_days
 where tenant = :tenant
"""

CHOOSE_ASKING = """
update tenant set require_pushed = :require_pushed, device_flow = :device_flow where tenant = :tenant
"""

TURN_RIGHTS_ON = """
update tenant set rights_on = 1 where tenant = :tenant
"""

ADD = """
insert into tenant (tenant, slug, name, state, rights_on, epoch, stamp, stop_stamp, access_seconds, refresh_idle_days,
                    refresh_absolute_days, require_pushed, device_flow, created_at)
values (:tenant, :slug, :name, :state, :rights_on, 0, 0, 0, :access_seconds, :refresh_idle_days,
        :refresh_absolute_days, :require_pushed, :device_flow, :at)
on conflict (slug) do nothing returning 1
"""


def tenant_of(row: Row, base_url: str) -> Tenant:
    tenant, slug, name, state, rights_on, access_seconds, idle_days, absolute_days, require_pushed, device_flow = row
    return Tenant(
        id=TenantId(tenant),
        slug=slug,
        name=name,
        issuer=issuer_of(base_url, slug),
        state=TenantState(state),
        rights_on=bool(rights_on),
        lifetimes=ChosenLifetimes(
            access_seconds=access_seconds, refresh_idle_days=idle_days, refresh_absolute_days=absolute_days
        ),
        require_pushed=bool(require_pushed),
        device_flow=bool(device_flow),
    )


class TenantTable:
    __slots__ = ("_base_url", "_statements")

    def __init__(self, statements: Statements, base_url: str) -> None:
        self._statements = statements
        self._base_url = base_url

    async def current(self) -> Tenant:
        """Return the tenant.

        Raises:
            RemitError: there is no such tenant, so there should be no such work.
        """
        tenant = await self._statements.recalled("tenant", "", self._read)
        if tenant is None:
            raise RemitError(f"no tenant {self._statements.tenant}")
        return tenant

    async def epoch(self) -> int:
        head = await self._statements.head()
        if head is None:
            raise RemitError(f"no tenant {self._statements.tenant}")
        return head.epoch

    async def _read(self) -> Tenant | None:
        row = await self._statements.row(CURRENT)
        return None if row is None else tenant_of(row, self._base_url)

    async def turn_rights_on(self) -> None:
        await self._statements.rows(TURN_RIGHTS_ON)

    async def choose_lifetimes(self, chosen: ChosenLifetimes) -> None:
        await self._statements.rows(
            CHOOSE_LIFETIMES,
            access_seconds=chosen.access_seconds,
            refresh_idle_days=chosen.refresh_idle_days,
            refresh_absolute_days=chosen.refresh_absolute_days,
        )

    async def choose_asking(self, *, require_pushed: bool, device_flow: bool) -> None:
        await self._statements.rows(CHOOSE_ASKING, require_pushed=int(require_pushed), device_flow=int(device_flow))

    async def add(self, tenant: Tenant, *, at: datetime) -> bool:
        """Make this work's tenant exist. False when the slug is taken."""
        return await self._statements.touched(
            ADD,
            slug=tenant.slug,
            name=tenant.name,
            state=tenant.state.value,
            rights_on=int(tenant.rights_on),
            access_seconds=tenant.lifetimes.access_seconds,
            refresh_idle_days=tenant.lifetimes.refresh_idle_days,
            refresh_absolute_days=tenant.lifetimes.refresh_absolute_days,
            require_pushed=int(tenant.require_pushed),
            device_flow=int(tenant.device_flow),
            at=to_ms(at),
        )
