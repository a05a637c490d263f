"""Place and lift stops as an administrator does."""

from __future__ import annotations

from datetime import datetime

from remit.core.stops import Stop, Target, TargetKind
from remit.services.stops import lift_stops, place_stop
from tests.kit.instance import Remit
from tests.kit.world import SEEDER, World, sure


async def stop(remit: Remit, world: World, kind: TargetKind, target: str, *, until: datetime | None = None) -> Stop:
    return sure(
        await place_stop(world.tenant.id, Target(kind, target), remit.deps, SEEDER, reason="a test", until=until)
    )


async def lift(remit: Remit, world: World, kind: TargetKind, target: str) -> None:
    sure(await lift_stops(world.tenant.id, Target(kind, target), remit.deps, SEEDER, reason="a test"))
