"""P12: what the audit event adds to an issuance, and how fast a log is verified."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bench.direct import ask, folder
from bench.report import Line, Target
from bench.servers import TOKEN_FORM, basic
from remit.core.audit.events import Event, TokenIssued, Who
from remit.core.names import EventId
from remit.core.oauth.verdicts import Refusal
from remit.services.audit_log import verify_audit
from remit.store.events import EventTable
from tests.kit.instance import Remit, instance

CALLS = 500
ROUNDS = 5
BATCH = 2000

EVENT = TokenIssued(
    who=Who(actor_kind="client", actor="cli_1", agent="agt_1", client="cli_1", grant="grt_1", jti="tok_1"),
    grant_type="client_credentials",
    requested=("read:calendar",),
    scopes=("read:calendar",),
    removed=(),
    expires_at="2026-01-01T00:00:00+00:00",
    replay=False,
)


def measure(events: int) -> Iterator[Line]:
    """Yield the event's share of an issuance in CPU time, and the entries that are verified in a second."""
    share, rate = asyncio.run(_in(folder(), events))
    yield Line(name="P12 event's share of an issuance", value=share, unit="of the CPU", target=Target(at_most=0.2))
    more = {"entries": float(events)}
    yield Line(name="P12 entries verified", value=rate, unit="a second", target=Target(at_least=200_000), more=more)


async def _in(place: Path, events: int) -> tuple[float, float]:
    async with instance(place) as remit:
        share = min([await _share(remit) for _ in range(ROUNDS)])
        tenant = remit.acme.tenant.id
        for start in range(0, events, BATCH):
            async with remit.deps.db.work(tenant) as work:
                for _ in range(min(BATCH, events - start)):
                    await work.events.append(EVENT, at=remit.clock.now())
        began = time.perf_counter()
        verified = await verify_audit(tenant, remit.deps)
        seconds = time.perf_counter() - began
        if isinstance(verified, Refusal) or not verified.report.sound:
            raise RuntimeError(f"the log is not sound: {verified}")
        return share, verified.report.entries / seconds


async def _share(remit: Remit) -> float:
    """Return which part of the CPU time of issuances goes into their events."""
    spent, append = 0.0, EventTable.append

    async def timed(self: EventTable, event: Event, *, at: datetime) -> EventId:
        nonlocal spent
        began = time.thread_time()
        try:
            # It never suspends on SQLite, so this thread's time is its own.
            return await append(self, event, at=at)
        finally:
            spent += time.thread_time() - began

    web = basic(remit.acme.web.id, remit.acme.web_secret.reveal())
    EventTable.append = timed  # type: ignore[method-assign]
    began = time.process_time()
    try:
        for _ in range(CALLS):
            await ask(remit.app, "POST", "/t/acme/oauth/token", body=TOKEN_FORM, authorization=web)
    finally:
        EventTable.append = append  # type: ignore[method-assign]
    return spent / (time.process_time() - began)
