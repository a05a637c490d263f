"""Is the audit log what it was? Asked at every view of it, answered a little at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.audit.note import Checkpoint, NoteKey, open_note
from remit.core.audit.verify import Fault, FaultKind, LogCheck
from remit.core.names import TenantId
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.checkpoints import origin_of

STEP = 2000
"""Entries looked at in one view: some ten milliseconds."""

LAST_CHECKPOINTS = 16
"""An agreeing checkpoint vouches for everything before it, so the last ones are enough for a badge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What the last whole pass over the log said.

    `looked_at` is when that pass began: no entry was looked at before. None when no pass has come to its end yet.
    """

    entries: int
    looked_at: datetime | None
    problem: str


@dataclass(slots=True, kw_only=True)
class _Pass:
    check: LogCheck
    tip: Checkpoint
    began: datetime
    next: int = 0


class Integrity:
    """Goes over each tenant's log again and again, one bounded step a view; one instance serves all requests.

    `remit audit verify` is the whole check; this one shows in the console that somebody tampered with the database,
    and remembers where the log stood, so that a cut tail is seen as long as the process lives.
    """

    def __init__(self) -> None:
        self._passes: dict[TenantId, _Pass] = {}
        self._seals: dict[TenantId, Seal] = {}
        self._tips: dict[TenantId, Checkpoint] = {}

    async def look(self, tenant: TenantId, deps: Deps) -> Seal:
        """Take the next step of the pass over this log and return what is known of it."""
        async with deps.db.read(tenant) as work:
            current = self._passes.pop(tenant, None) or await self._begin(work, tenant, deps)
            due = min(STEP, current.tip.size - current.next)
            rows = await work.audit.leaves(current.next, limit=due) if due else ()
        for index, body, leaf in rows:
            current.check.feed(index, body, leaf)
            current.next = index + 1
        if len(rows) == due and current.next < current.tip.size:
            self._passes[tenant] = current
            return self._seals.get(tenant) or Seal(entries=0, looked_at=None, problem="")
        return self._finish(tenant, current)

    async def _begin(self, work: Work, tenant: TenantId, deps: Deps) -> _Pass:
        current, keys = await work.tenants.current(), await work.keys.all()
        origin = origin_of(current.issuer)
        tree = await work.audit.tree()
        public, _ = deps.keyring.sign_note(current, keys, b"")
        trusted = (NoteKey(name=origin, public_key=public),)
        notes = [
            open_note(
                note,
                trusted=trusted,
                verify=lambda key, signature, message: deps.keyring.verify_note(key, message, signature),
            )
            for _, note in (await work.audit.checkpoints())[-LAST_CHECKPOINTS:]
        ]
        earlier = self._tips.get(tenant)
        return _Pass(
            check=LogCheck(
                size=tree.size, root=tree.root, checkpoints=notes, outside=() if earlier is None else (earlier,)
            ),
            tip=Checkpoint(origin=origin, size=tree.size, root=tree.root),
            began=deps.clock.now(),
        )

    def _finish(self, tenant: TenantId, done: _Pass) -> Seal:
        report = done.check.report()
        if report.sound:
            self._tips[tenant] = done.tip
        problem = "" if report.sound else _words(report.faults[0])
        seal = Seal(entries=report.entries, looked_at=done.began, problem=problem)
        self._seals[tenant] = seal
        return seal


def _words(fault: Fault) -> str:
    if fault.kind is FaultKind.CUT:
        return "entries that were there before are gone or changed"
    return fault.detail if fault.index is None else f"entry {fault.index}: {fault.detail}"
