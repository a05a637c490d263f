"""Fill My activity."""

from __future__ import annotations

from remit.http._kit.views import Link
from remit.http.account.activity.page import ActivityPage, ActivityRow
from remit.http.browser import frame
from remit.http.trail import trail_of, trail_url, with_query
from remit.http.visits import Visit
from remit.services.activity import Kind, Told, Wanted, list_events

CHIPS = (("", "Everything"), (Kind.CALLS, "What agents did"), (Kind.CHANGES, "What you changed"))

SAID = {
    "token.issued": "Got access",
    "token.exchanged": "Acted on for you",
    "token.refused": "Was refused access",
    "token.introspected": "Its access was checked",
    "token.reuse_detected": "Access that had leaked was ended",
    "consent.given": "You allowed it",
    "consent.denied": "You said no",
    "grant.narrowed": "You took something back",
    "stop.placed": "Stopped",
    "stop.lifted": "May work again",
    "user.signed_in": "You signed in",
    "user.signed_out": "You signed out",
}


async def load(visit: Visit) -> ActivityPage:
    shown = visit.query.one("show") or ""
    kind = Kind(shown) if shown in {Kind.CALLS.value, Kind.CHANGES.value} else Kind.ANY
    show = "" if kind is Kind.ANY else kind.value
    trail = trail_of(visit)
    wanted = Wanted(user=visit.user.id, kind=kind)
    rows, more = await list_events(visit.tenant, wanted, visit.deps, before=trail[-1] if trail else None)
    base = f"{visit.issuer}/account/activity"
    return ActivityPage(
        frame=frame(visit.browser, visit.deps),
        back=f"{visit.issuer}/account",
        chips=tuple(
            Link(label=label, href=with_query(base, show=value), current=value == show) for value, label in CHIPS
        ),
        rows=tuple(_row(told) for told in rows),
        older=trail_url(base, [*trail, rows[-1].stored.seq], show=show) if more else "",
        newer=trail_url(base, trail[:-1], show=show) if trail else "",
    )


def _row(told: Told) -> ActivityRow:
    kind = told.stored.type
    summary = SAID.get(kind, kind)
    if kind in {"decision.permit", "decision.deny"}:
        scopes = " ".join(told.listed("required"))
        summary = f"{'Used' if kind == 'decision.permit' else 'Was refused'} {scopes}".strip()
    return ActivityRow(
        at=told.stored.at,
        summary=summary,
        agent=told.name(told.who.get("agent")),
        resource=told.name(told.who.get("resource")),
        outcome=told.stored.outcome,
    )
