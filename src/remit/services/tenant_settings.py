"""What a tenant is set to: lifetimes, signing keys, and whether clients may register themselves."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.keys import KeyState, SigningKey
from remit.core.lifetimes import ChosenLifetimes, Lifetimes
from remit.core.names import TenantId
from remit.ports.deps import Deps
from remit.services.registration import mode_of, takes_registrations


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantSettings:
    chosen: ChosenLifetimes
    instance: Lifetimes
    """What holds where the tenant chose nothing."""
    keys: tuple[SigningKey, ...]
    """Those that sign or verify now or soon, by what they sign."""
    registration_mode: str
    registration_open: bool
    """A client may register itself here now."""
    device_flow: bool
    """Devices may ask by a code here."""
    self_registered: int
    quota: int


_ORDER = {state: number for number, state in enumerate((KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRING))}


async def look_at_settings(tenant: TenantId, deps: Deps) -> TenantSettings:
    async with deps.db.read(tenant) as work:
        keys = [key for key in await work.keys.all() if key.state is not KeyState.GONE]
        current = await work.tenants.current()
        return TenantSettings(
            chosen=current.lifetimes,
            device_flow=current.device_flow,
            instance=deps.lifetimes,
            keys=tuple(sorted(keys, key=lambda key: (key.use, key.alg, _ORDER[key.state], key.kid))),
            registration_mode=await mode_of(work, deps),
            registration_open=await takes_registrations(work, deps),
            self_registered=await work.clients.count_self_registered(),
            quota=deps.registration.quota,
        )
