"""GET /feed: the revocation feed as server-sent events, and POST /decisions: what guards report back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from remit.core.names import TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Stop
from remit.http.context import Context, context_of
from remit.services.decisions import Report, report
from remit.services.feed import PAGE, open_feed, read_feed
from remit.services.guessing import count_miss, held_back
from remit.wire.caller import origin_of, presented_by_header, tenant_of
from remit.wire.oauth_errors import render_refusal, render_throttled
from remit.wire.parse import TooLarge, parse_json, read_body
from remit.wire.problems import render_problem

HEARTBEAT_SECONDS = 2.0
"""How often a feed with nothing to say says so; a checker gives up on it after 10 s of silence."""

MAX_REPORTS = 500
LATEST_MS = 253_402_300_799_999
"""The last millisecond that a date can name."""

MAX_REPORT_BODY = 512 * 1024


async def feed_endpoint(request: Request) -> Response:
    """Stream the stops of this tenant to one of its resource servers, from `Last-Event-ID` on."""
    presented = presented_by_header(request)
    if isinstance(presented, Refusal):
        return render_refusal(presented)
    context, tenant, origin = context_of(request), tenant_of(request), origin_of(request)
    if wait := await held_back(tenant.id, presented, context.deps, origin, asked_at="feed"):
        return render_throttled(wait)
    caller = await open_feed(tenant.id, presented, context.deps, origin)
    count_miss(tenant.id, presented, caller, context.deps, origin)
    if isinstance(caller, Refusal):
        return render_refusal(caller)
    last = request.headers.get("last-event-id", "0")
    start = int(last) if last.isdecimal() and last.isascii() and len(last) < 19 else 0
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    stream = _stream(tenant.id, start, context)
    return StreamingResponse(stream, headers=headers, media_type="text/event-stream")


async def _stream(tenant: TenantId, seq: int, context: Context) -> AsyncIterator[bytes]:
    deps, hub, ready = context.deps, context.hub, False
    while not hub.stopping:
        changed = hub.next_change()
        found = await read_feed(tenant, seq, deps)
        for stop in found.stops:
            yield _event("stop", _entry(stop), stop.epoch)
            if ready:
                # Only what came while we were listening: a reader that catches up would measure its own absence.
                context.meter.propagated((deps.clock.now() - stop.started_at).total_seconds())
        if len(found.stops) == PAGE:
            seq = found.stops[-1].epoch
            continue
        # Stops too old to matter are left out, so the counter may be ahead of the last one sent.
        seq = found.latest
        if not ready or not found.stops:
            yield _event("heartbeat" if ready else "ready", {"seq": seq})
            ready = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await changed.wait()


def _entry(stop: Stop) -> dict[str, object]:
    return {"seq": stop.epoch, "kind": stop.target.kind, "id": stop.target.id, "epoch": stop.epoch}


def _event(name: str, data: dict[str, object], seq: int | None = None) -> bytes:
    head = f"event: {name}\n" + (f"id: {seq}\n" if seq is not None else "")
    return head.encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


class _Decision(msgspec.Struct, kw_only=True):
    """One decision on the wire. Lengths are bounded, so that an API cannot fill the log with one call."""

    id: str
    at: int
    decision: str
    reason: str | None = None
    method: str
    path: str
    status: int | None = None
    required: list[str]
    scope: str | None = None
    jti: str | None = None
    sub: str | None = None
    client_id: str | None = None
    agent_id: str | None = None
    grant_id: str | None = None
    line_id: str | None = None
    purpose: str | None = None
    peer: str | None = None


class _Batch(msgspec.Struct):
    decisions: list[_Decision]


async def decisions_endpoint(request: Request) -> Response:
    """Take a batch of decisions from a resource server; the same report twice is one."""
    presented = presented_by_header(request)
    if isinstance(presented, Refusal):
        return render_refusal(presented)
    body = await read_body(request, MAX_REPORT_BODY)
    if isinstance(body, TooLarge):
        return render_problem("too_large", "a batch of decisions is at most 512 KiB")
    batch = parse_json(body, _Batch)
    if isinstance(batch, str):
        return render_problem("invalid_request", batch)
    if len(batch.decisions) > MAX_REPORTS:
        return render_problem("invalid_request", f"at most {MAX_REPORTS} decisions a batch")
    reports = tuple(_report(entry) for entry in batch.decisions)
    deps, tenant, origin = context_of(request).deps, tenant_of(request).id, origin_of(request)
    if wait := await held_back(tenant, presented, deps, origin, asked_at="decisions"):
        return render_throttled(wait)
    outcome = await report(tenant, presented, reports, deps, origin)
    count_miss(tenant, presented, outcome, deps, origin)
    if isinstance(outcome, Refusal):
        return render_refusal(outcome)
    for entry in outcome:
        context_of(request).meter.decided(permitted=entry.permitted, reason=entry.reason)
    return Response(msgspec.json.encode({"accepted": len(outcome)}), 202, media_type="application/json")


def _report(entry: _Decision) -> Report:
    return Report(
        id=_short(entry.id) or "",
        at_ms=min(max(entry.at, 0), LATEST_MS),
        permitted=entry.decision == "permit",
        reason=_short(entry.reason) or "",
        method=_short(entry.method) or "",
        path=_short(entry.path) or "",
        status=entry.status if entry.status is not None and 0 <= entry.status < 1000 else 0,
        required=tuple(_short(scope) or "" for scope in entry.required[:50]),
        scopes=tuple((entry.scope or "").split()[:100]),
        jti=_short(entry.jti),
        subject=_short(entry.sub),
        client=_short(entry.client_id),
        agent=_short(entry.agent_id),
        grant=_short(entry.grant_id),
        line=_short(entry.line_id),
        purpose=_short(entry.purpose),
        peer=_short(entry.peer),
    )


def _short(text: str | None) -> str | None:
    """Bound a reported text and drop what the store cannot hold."""
    return None if text is None else text[:500].replace("\x00", "").encode("utf-8", "ignore").decode()
