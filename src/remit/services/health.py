"""Whether this process can serve, and the numbers that are looked up rather than counted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.errors import RemitError
from remit.core.keys import USES, KeyState
from remit.ports.deps import Deps
from remit.services.checkpoints import unsigned


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold before requests are sent here, and what to do where it does not."""

    ok: bool
    detail: str = ""


async def readiness(deps: Deps) -> dict[str, Check]:
    """Check the database, its schema, and that every tenant can sign everything it signs."""
    try:
        current = await deps.db.schema_is_current()
        missing = await _without_key(deps)
    except RemitError as error:
        return {"database": Check(ok=False, detail=str(error))}
    return {
        "database": Check(ok=True),
        "schema": Check(ok=current, detail="" if current else "another version of Remit has changed the database"),
        "keys": Check(ok=not missing, detail="" if not missing else f"no active key: {', '.join(missing)}"),
    }


async def _without_key(deps: Deps) -> list[str]:
    missing = []
    async with deps.db.system() as system:
        tenants = await system.tenants()
    for tenant in tenants:
        async with deps.db.read(tenant.id) as work:
            active = {(key.use, key.alg) for key in await work.keys.all() if key.state is KeyState.ACTIVE}
        missing += [f"{tenant.slug} {use} {alg}" for use, alg in USES if (use, alg) not in active]
    return missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    audit_lag: int
    """Events of all tenants that no signed checkpoint covers yet."""
    key_ages: dict[str, float]
    """Seconds since the oldest active key for each use became active."""


async def levels(deps: Deps) -> Levels:
    """Look up how far the signed checkpoints are behind, and how old the signing keys are."""
    lag, oldest = 0, dict[str, datetime]()
    now = deps.clock.now()
    async with deps.db.system() as system:
        tenants = await system.tenants()
    for tenant in tenants:
        async with deps.db.read(tenant.id) as work:
            lag += await unsigned(work)
            keys = await work.keys.all()
        for key in keys:
            if key.state is KeyState.ACTIVE:
                oldest[key.use] = min(oldest.get(key.use, now), key.changed_at)
    ages = {use: (now - since).total_seconds() for use, since in oldest.items()}
    return Levels(audit_lag=lag, key_ages=ages)
