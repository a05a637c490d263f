"""The door across tenants. The statements here are the only ones that do not name their tenant."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime

from remit.core.names import TenantId
from remit.core.tenants import Tenant, issuer_of
from remit.store.statements import Statements
from remit.store.tenants import tenant_of
from remit.store.work import TenantWork

TENANT_BY_SLUG = """
select tenant, slug, name, state, rights_on, access_seconds, refresh_idle_days, refresh_absolute_days, require_pushed,
       device_flow
  from tenant where slug = :slug
"""

TENANTS = """
select tenant, slug, name, state, rights_on, access_seconds, refresh_idle_days, refresh_absolute_days, require_pushed,
       device_flow
  from tenant order by tenant
"""

USER_COUNT = """
select count(*) from users
"""

_NOBODY = TenantId("")


class SystemDoor:
    """Each call is a transaction of its own: reads see what is committed, writes are committed when they return."""

    def __init__(
        self,
        reading: Callable[[TenantId], AbstractAsyncContextManager[Statements]],
        work: Callable[[TenantId], AbstractAsyncContextManager[TenantWork]],
        base_url: str,
    ) -> None:
        self._reading = reading
        self._work = work
        self._base_url = base_url

    async def tenant_by_slug(self, slug: str) -> Tenant | None:
        async with self._reading(_NOBODY) as statements:
            row = await statements.row(TENANT_BY_SLUG, slug=slug)
        return None if row is None else tenant_of(row, self._base_url)

    async def tenants(self) -> tuple[Tenant, ...]:
        async with self._reading(_NOBODY) as statements:
            rows = await statements.rows(TENANTS)
        return tuple(tenant_of(row, self._base_url) for row in rows)

    async def add_tenant(self, tenant: Tenant, *, at: datetime) -> bool:
        """Add a tenant. False when the slug is taken.

        Raises:
            ValueError: the issuer is not the one that this server will compute for it.
        """
        if tenant.issuer != issuer_of(self._base_url, tenant.slug):
            raise ValueError("the issuer of a tenant follows from the base URL and the slug")
        async with self._work(tenant.id) as work:
            return await work.tenants.add(tenant, at=at)

    async def user_count(self) -> int:
        async with self._reading(_NOBODY) as statements:
            row = await statements.row(USER_COUNT)
        return 0 if row is None else int(row[0])

    async def purge(self, *, now: datetime) -> int:
        total = 0
        for tenant in await self.tenants():
            while True:
                # Small steps: each is a work among others, so nobody waits long for it.
                async with self._work(tenant.id) as work:
                    dropped = await work.housekeeping.purge(now=now)
                total += dropped
                if not dropped:
                    break
        return total


class SystemContext(AbstractAsyncContextManager[SystemDoor]):
    __slots__ = ("_door",)

    def __init__(self, door: SystemDoor) -> None:
        self._door = door

    async def __aenter__(self) -> SystemDoor:
        return self._door

    async def __aexit__(self, *exc: object) -> None:
        """Nothing is left open: each call ended its own transaction."""
