"""Fill the audit list: filtered, and paged by place in the log so that new events move nothing."""

from __future__ import annotations

from remit.http.console.audit.page import AuditFilter, AuditPage
from remit.http.console.rows import audit_url, console_frame, event_row, integrity
from remit.http.console.sentences import TYPES
from remit.http.visits import Visit
from remit.services.activity import Wanted, list_events

LONGEST_TRAIL = 40
"""How many pages back the way is remembered; beyond that Newer leads to the newest."""


async def load(visit: Visit) -> AuditPage:
    query = visit.query
    chosen = AuditFilter(
        type=query.one("type") or "",
        outcome=query.one("outcome") or "",
        user=query.one("user") or "",
        agent=query.one("agent") or "",
        client=query.one("client") or "",
    )
    wanted = Wanted(
        type=chosen.type or None,
        outcome=chosen.outcome or None,
        user=chosen.user or None,
        agent=chosen.agent or None,
        client=chosen.client or None,
    )
    trail = _trail(query.one("before") or "")
    rows, more = await list_events(visit.tenant, wanted, visit.deps, before=trail[-1] if trail else None)
    seal = await visit.context.integrity.look(visit.tenant, visit.deps)
    return AuditPage(
        frame=await console_frame(visit, "Audit"),
        action=f"{visit.issuer}/console/audit",
        filter=chosen,
        types=TYPES,
        rows=tuple(event_row(visit, told) for told in rows),
        integrity=integrity(visit, seal),
        older=_url(visit, chosen, [*trail, rows[-1].stored.seq]) if more else "",
        newer=_url(visit, chosen, trail[:-1]) if trail else "",
    )


def _trail(text: str) -> list[int]:
    """Read the places that the pages before this one began at, this one's last."""
    steps = text.split(".")
    if not all(step.isascii() and step.isdecimal() and len(step) < 16 for step in steps):
        return []
    return [int(step) for step in steps][-LONGEST_TRAIL:]


def _url(visit: Visit, chosen: AuditFilter, trail: list[int]) -> str:
    return audit_url(
        visit,
        type=chosen.type,
        outcome=chosen.outcome,
        user=chosen.user,
        agent=chosen.agent,
        client=chosen.client,
        before=".".join(str(step) for step in trail[-LONGEST_TRAIL:]),
    )
