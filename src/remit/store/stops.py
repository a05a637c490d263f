"""Stops. Whether one is in force is a comparison of times that the core makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from remit.core.errors import RemitError
from remit.core.names import StopId
from remit.core.stops import Stop, Target, TargetKind
from remit.store.columns import from_ms, maybe_from_ms, maybe_to_ms, to_ms
from remit.store.statements import Row, Statements

# Looked up in the index of targets first: left to itself, SQLite would walk every stop the tenant ever had.
ON = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop
 where tenant = :tenant and id in (
       select id from stop
        where tenant = :tenant and target_id in (:t0, :t1, :t2, :t3, :t4, :t5, :t6, :t7, :t8, :t9, :t10, :t11))
"""

ON_SLOTS = tuple(f"t{number}" for number in range(12))
"""A chain has at most ten targets. Slots left over hold null, which is in no list."""

BUMP = """
update tenant set epoch = epoch + 1 where tenant = :tenant returning epoch
"""

PLACE = """
insert into stop (tenant, id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at,
                  lifted_by, epoch)
values (:tenant, :id, :target_kind, :target_id, :reason, :actor_kind, :actor, :started_at, :ends_at, :lifted_at,
        :lifted_by, :epoch)
"""

GET = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop where tenant = :tenant and id = :id
"""

LIST = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop where tenant = :tenant order by epoch desc
"""

LIST_IN_FORCE = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop
 where tenant = :tenant and lifted_at is null and (ends_at is null or ends_at > :at)
 order by epoch desc
"""

PAGE = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop
 where tenant = :tenant and epoch < :before
   and (:all = 1 or (lifted_at is null and (ends_at is null or ends_at > :at)))
 order by epoch desc limit :limit
"""

LIFT = """
update stop set lifted_at = :at, lifted_by = :by
 where tenant = :tenant and id = :id and lifted_at is null
returning 1
"""

SINCE = """
select id, target_kind, target_id, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch
  from stop
 where tenant = :tenant and epoch > :epoch and started_at > :started_after
 order by epoch limit :limit
"""


class StopTable:
    __slots__ = ("_statements",)

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def on(self, targets: Sequence[Target]) -> tuple[Stop, ...]:
        return await self._statements.recalled("stops", tuple(targets), lambda: self._on(targets), stops=True) or ()

    async def _on(self, targets: Sequence[Target]) -> tuple[Stop, ...]:
        wanted = frozenset(targets)
        found: list[Stop] = []
        for start in range(0, len(targets), len(ON_SLOTS)):
            slots: dict[str, str | None] = dict.fromkeys(ON_SLOTS)
            some = targets[start : start + len(ON_SLOTS)]
            slots.update((slot, target.id) for slot, target in zip(ON_SLOTS, some, strict=False))
            found += [_stop(row) for row in await self._statements.rows(ON, **slots)]
        kept = {stop.id: stop for stop in found if stop.target in wanted}
        return tuple(sorted(kept.values(), key=lambda stop: stop.epoch))

    async def place(self, stop: Stop) -> Stop:
        counter = await self._statements.row(BUMP)
        if counter is None:
            raise RemitError(f"no tenant {self._statements.tenant}")
        placed = replace(stop, epoch=int(counter[0]))
        await self._statements.rows(
            PLACE,
            id=placed.id,
            target_kind=placed.target.kind.value,
            target_id=placed.target.id,
            reason=placed.reason,
            actor_kind=placed.actor_kind,
            actor=placed.actor,
            started_at=to_ms(placed.started_at),
            ends_at=maybe_to_ms(placed.ends_at),
            lifted_at=maybe_to_ms(placed.lifted_at),
            lifted_by=placed.lifted_by,
            epoch=placed.epoch,
        )
        return placed

    async def get(self, stop: StopId) -> Stop | None:
        row = await self._statements.row(GET, id=stop)
        return None if row is None else _stop(row)

    async def list(self, *, in_force_at: datetime | None = None) -> tuple[Stop, ...]:
        if in_force_at is None:
            rows = await self._statements.rows(LIST)
        else:
            rows = await self._statements.rows(LIST_IN_FORCE, at=to_ms(in_force_at))
        return tuple(_stop(row) for row in rows)

    async def page(
        self, *, before: int | None = None, in_force_at: datetime | None = None, limit: int
    ) -> tuple[Stop, ...]:
        rows = await self._statements.rows(
            PAGE,
            before=2**62 if before is None else before,
            all=int(in_force_at is None),
            at=0 if in_force_at is None else to_ms(in_force_at),
            limit=limit,
        )
        return tuple(_stop(row) for row in rows)

    async def lift(self, stop: StopId, *, at: datetime, by: str) -> bool:
        return await self._statements.touched(LIFT, id=stop, at=to_ms(at), by=by)

    async def since(self, epoch: int, *, started_after: datetime, limit: int) -> tuple[Stop, ...]:
        rows = await self._statements.rows(SINCE, epoch=epoch, started_after=to_ms(started_after), limit=limit)
        return tuple(_stop(row) for row in rows)


def _stop(row: Row) -> Stop:
    id_, kind, target, reason, actor_kind, actor, started_at, ends_at, lifted_at, lifted_by, epoch = row
    return Stop(
        id=StopId(id_),
        target=Target(TargetKind(kind), target),
        reason=reason,
        actor_kind=actor_kind,
        actor=actor,
        started_at=from_ms(started_at),
        ends_at=maybe_from_ms(ends_at),
        lifted_at=maybe_from_ms(lifted_at),
        lifted_by=lifted_by,
        epoch=epoch,
    )
