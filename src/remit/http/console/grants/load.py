"""Fill the table of grants."""

from __future__ import annotations

from remit.http.console.grants.page import GrantsPage
from remit.http.console.rows import console_frame, grant_row, page_number, page_url
from remit.http.visits import Visit
from remit.services.directory import list_grants


async def load(visit: Visit) -> GrantsPage:
    rows, where = await list_grants(visit.tenant, visit.deps, page=page_number(visit))
    base = f"{visit.issuer}/console/grants"
    return GrantsPage(
        frame=await console_frame(visit, "Access"),
        rows=tuple(grant_row(visit, facts) for facts in rows),
        older=page_url(base, where.number + 1) if where.more else "",
        newer=page_url(base, where.number - 1) if where.number > 1 else "",
    )
