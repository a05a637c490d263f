"""Fill the table of grants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import timedelta

from remit.http.console.grants.page import GrantsFilter, GrantsPage
from remit.http.console.rows import access_tabs, console_frame, days_in, grant_row
from remit.http.trail import id_trail_of, trail_url, with_query
from remit.http.visits import Visit
from remit.services.directory import Standing
from remit.services.tables import GrantsWanted, list_grants
from remit.wire.parse import Form


async def load(visit: Visit) -> GrantsPage:
    chosen = chosen_in(visit.query)
    wanted, narrowed = wanted_by(chosen), narrowed_by(chosen)
    trail = id_trail_of(visit)
    part = await list_grants(visit.tenant, visit.deps, before=trail[-1] if trail else "", wanted=wanted)
    base = f"{visit.issuer}/console/grants"
    gives = chosen.state not in {Standing.REVOKED, Standing.EXPIRED}
    together = bool(part.rows) and visit.may_write and wanted.any and gives
    return GrantsPage(
        frame=await console_frame(visit, "Access"),
        tabs=access_tabs(visit, "Grants"),
        action=base,
        filter=chosen,
        rows=tuple(grant_row(visit, facts) for facts in part.rows),
        older=trail_url(base, [*trail, part.next], **narrowed) if part.next else "",
        newer=trail_url(base, trail[:-1], **narrowed) if trail else "",
        revoke_all=with_query(f"{base}/revoke", **narrowed) if together else "",
        trim_all=with_query(f"{base}/trim", **narrowed) if together else "",
    )


def chosen_in(form: Form) -> GrantsFilter:
    return GrantsFilter(**{field.name: (form.one(field.name) or "").strip() for field in fields(GrantsFilter)})


def narrowed_by(chosen: GrantsFilter) -> Mapping[str, str]:
    """Return the fields of a filter as they stand in an address."""
    return asdict(chosen)


def wanted_by(chosen: GrantsFilter) -> GrantsWanted:
    days = days_in(chosen.unused)
    return GrantsWanted(
        user=chosen.user or None,
        agent=chosen.agent or None,
        client=chosen.client or None,
        resource=chosen.resource or None,
        scope=chosen.scope or None,
        state=Standing(chosen.state) if chosen.state in set(Standing) else None,
        unused=timedelta(days=days) if days else None,
    )
