"""Stop from any row of the console, and take it back: both lead back to the page that they were pressed on."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.responses import Response
from starlette.routing import Route

from remit.core.names import StopId
from remit.core.oauth.redirects import is_local_path
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import Target, TargetKind
from remit.http.console.ending import end, refused
from remit.http.visits import ADMINS, Visit, form_for
from remit.services.stops import lift_stops, place_stop
from remit.wire.parse import Form

REASON: Final = "stopped in the console"
"""A stop carries a reason; one click must be enough to give it."""

RESUMED: Final = "resumed in the console"

OFFERED: Final = frozenset({TargetKind.AGENT, TargetKind.CLIENT, TargetKind.USER, TargetKind.RESOURCE})
"""What rows stop: what can be resumed, so that nobody has to be asked twice. A tenant is another matter."""


async def stop_one(visit: Visit, form: Form) -> Response:
    kind, id_ = form.one("kind") or "", form.one("id") or ""
    if kind not in OFFERED:
        return visit.refuse(Refusal("invalid_request", "a row stops an agent, a client, a user or a resource"))
    target = Target(TargetKind(kind), id_)
    who = visit.about_agent(id_) if target.kind is TargetKind.AGENT else visit.admin_who()
    placed = await place_stop(visit.tenant, target, visit.deps, who, reason=REASON)
    if isinstance(placed, Refusal):
        return refused(visit, placed)
    return end(visit, placed, returned(visit, form.one("back") or "", said="placed", about=placed.id))


async def lift_stop(visit: Visit, _: Form) -> Response:
    """Lift what holds a stop's target: Resume, and Undo, whatever is stopped there."""
    stop = visit.named("stop")
    async with visit.deps.db.read(visit.tenant) as work:
        found = await work.stops.get(StopId(stop)) if stop else None
    if found is None:
        return visit.missing()
    outcome = await lift_stops(visit.tenant, found.target, visit.deps, visit.admin_who(), reason=RESUMED)
    return end(visit, outcome, returned(visit, visit.query.one("back") or "", said="lifted", about=found.id))


def lift_url(visit: Visit, stop: StopId) -> str:
    """Return the action that lifts a stop and leads back to the page that is shown now."""
    back = visit.browser.here
    return f"{visit.issuer}/console/stops/{stop}/lift" + (f"?back={quote(back, safe='')}" if back else "")


_BELOW: Final = re.compile(r"(?:/[0-9A-Za-z_-]+)*")


def returned(visit: Visit, back: str, *, said: str, about: str) -> str:
    """Return the address of the console's page that somebody came from, with what is said there now."""
    home = urlsplit(visit.issuer).path + "/console"
    parts = urlsplit(back)
    below = parts.path.removeprefix(home)
    inside = is_local_path(back) and below != parts.path and _BELOW.fullmatch(below) is not None
    path, query = (parts.path, parts.query) if inside else (home, "")
    kept = [(name, text) for name, text in parse_qsl(query) if name not in {"said", "about"}]
    return f"{visit.browser.tenant.origin}{path}?{urlencode([*kept, ('said', said), ('about', about)])}"


ROUTES: Final = (
    Route("/console/stops", form_for(ADMINS, stop_one), methods=["POST"]),
    Route("/console/stops/{stop}/lift", form_for(ADMINS, lift_stop), methods=["POST"]),
)
