"""Fill the table of grants."""

from __future__ import annotations

from dataclasses import asdict

from remit.http.console.grants.page import GrantsFilter, GrantsPage
from remit.http.console.rows import access_tabs, console_frame, grant_row, page_number, page_url
from remit.http.visits import Visit
from remit.services.directory import Standing
from remit.services.tables import GrantsWanted, list_grants


async def load(visit: Visit) -> GrantsPage:
    query = visit.query
    chosen = GrantsFilter(
        user=query.one("user") or "",
        agent=query.one("agent") or "",
        resource=query.one("resource") or "",
        scope=query.one("scope") or "",
        state=query.one("state") or "",
    )
    wanted = GrantsWanted(
        user=chosen.user or None,
        agent=chosen.agent or None,
        resource=chosen.resource or None,
        scope=chosen.scope or None,
        state=Standing(chosen.state) if chosen.state in set(Standing) else None,
    )
    rows, where = await list_grants(visit.tenant, visit.deps, page=page_number(visit), wanted=wanted)
    base, narrowed = f"{visit.issuer}/console/grants", asdict(chosen)
    return GrantsPage(
        frame=await console_frame(visit, "Access"),
        tabs=access_tabs(visit, "Grants"),
        action=base,
        filter=chosen,
        rows=tuple(grant_row(visit, facts) for facts in rows),
        older=page_url(base, where.number + 1, **narrowed) if where.more else "",
        newer=page_url(base, where.number - 1, **narrowed) if where.number > 1 else "",
    )
