"""Fill the audit list: filtered, and paged by place in the log so that new events move nothing."""

from __future__ import annotations

from dataclasses import asdict

from remit.http.console.audit.page import AuditFilter, AuditPage
from remit.http.console.rows import agents_at_large, console_frame, event_row, integrity
from remit.http.console.sentences import TYPES
from remit.http.trail import trail_of, trail_url
from remit.http.visits import Visit
from remit.services.activity import Wanted, list_events


async def load(visit: Visit) -> AuditPage:
    query = visit.query
    chosen = AuditFilter(
        type=query.one("type") or "",
        outcome=query.one("outcome") or "",
        user=query.one("user") or "",
        agent=query.one("agent") or "",
        client=query.one("client") or "",
        about=query.one("about") or "",
    )
    wanted = Wanted(
        type=chosen.type or None,
        outcome=chosen.outcome or None,
        user=chosen.user or None,
        agent=chosen.agent or None,
        client=chosen.client or None,
        about=chosen.about or None,
    )
    trail = trail_of(visit)
    rows, more = await list_events(visit.tenant, wanted, visit.deps, before=trail[-1] if trail else None)
    at_large = await agents_at_large(visit, rows)
    base = f"{visit.issuer}/console/audit"
    seal = await visit.context.integrity.look(visit.tenant, visit.deps)
    return AuditPage(
        frame=await console_frame(visit, "Audit"),
        action=base,
        filter=chosen,
        types=TYPES,
        rows=tuple(event_row(visit, told, at_large=at_large) for told in rows),
        integrity=integrity(visit, seal),
        older=trail_url(base, [*trail, rows[-1].stored.seq], **asdict(chosen)) if more else "",
        newer=trail_url(base, trail[:-1], **asdict(chosen)) if trail else "",
    )
