"""Fill the search."""

from __future__ import annotations

from remit.core.display import plain_text
from remit.core.oauth.scopes import is_scope
from remit.http._kit.views import Link, StopTarget
from remit.http.console.rows import agent_url, audit_url, console_frame, grants_url, stop_note
from remit.http.console.search.page import HitRow, SearchPage
from remit.http.console.stopping import lift_url
from remit.http.visits import Visit
from remit.services.search import Hit, HitKind, search

LONGEST = 320


async def load(visit: Visit) -> SearchPage:
    text = plain_text(visit.query.one("q") or "", limit=LONGEST).strip()
    hits = await search(visit.tenant, text, visit.deps)
    more = (Link(label=f"Grants that hold {text}", href=grants_url(visit, scope=text)),) if is_scope(text) else ()
    return SearchPage(
        frame=await console_frame(visit, "Search"),
        action=f"{visit.issuer}/console/search",
        text=text,
        hits=tuple(_row(visit, hit) for hit in hits),
        more=more,
    )


def _row(visit: Visit, hit: Hit) -> HitRow:
    resume = lift_url(visit, hit.stopped.stop.id) if hit.stopped and visit.may_write else ""
    return HitRow(
        kind=hit.kind,
        name=hit.name,
        id=hit.id,
        href=_href(visit, hit),
        state=hit.state,
        note=stop_note(hit.stopped),
        stop=StopTarget(kind=hit.kind, id=hit.id, name=hit.name) if hit.stoppable else None,
        resume=resume,
    )


def _href(visit: Visit, hit: Hit) -> str:
    match hit.kind:
        case HitKind.AGENT:
            return agent_url(visit, hit.id)
        case HitKind.CLIENT:
            return f"{agent_url(visit, hit.agent)}/credentials"
        case HitKind.USER | HitKind.RESOURCE:
            return grants_url(visit, **{hit.kind: hit.id})
        case HitKind.GRANT | HitKind.TOKEN:
            return audit_url(visit, about=hit.id)
        case HitKind.EVENT:
            return f"{visit.issuer}/console/audit/{hit.id}"
