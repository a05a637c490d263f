"""What one event stands on: the token, the line, the grant, the consent that made it, and the stops on any of them.

Each step is a look at an index or a key, however long the log is.
"""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.grants import Line
from remit.core.names import GrantId, LineId, TenantId
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import EventFilter, Work
from remit.services.activity import Told, tell
from remit.services.directory import Directory, GrantFacts, StopInForce

MOST_STOPS = 20
_ISSUED = ("token.issued", "token.exchanged")
_CONSENTS = ("consent.given", "grant.approved")

_TARGETS = (
    ("jti", TargetKind.TOKEN),
    ("line", TargetKind.LINE),
    ("grant", TargetKind.GRANT),
    ("agent", TargetKind.AGENT),
    ("client", TargetKind.CLIENT),
    ("user", TargetKind.USER),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """The chain below one event. What does not exist for it is None."""

    token: Told | None
    """The event that issued the token."""
    line: Line | None
    grant: GrantFacts | None
    consent: Told | None
    """The event in which somebody said yes."""
    stops: tuple[StopInForce, ...]
    """Stops on anybody in the chain, over or not, newest first."""


async def trace(tenant: TenantId, told: Told, deps: Deps) -> Standpoint:
    who, now = told.who, deps.clock.now()
    async with deps.db.read(tenant) as work:
        directory = Directory(work, now)
        token = await _issued(work, directory, told) if "jti" in who else None
        line = await work.lines.get(LineId(who["line"])) if "line" in who else None
        found = await work.grants.get(GrantId(who["grant"])) if "grant" in who else None
        return Standpoint(
            token=token,
            line=line,
            grant=await directory.grant(found) if found is not None else None,
            consent=await _consent(work, directory, told),
            stops=await _stops(work, directory, told),
        )


async def _issued(work: Work, directory: Directory, told: Told) -> Told | None:
    """Return the event in which the token came to be: straight from its grant, or by exchange."""
    for kind in _ISSUED:
        wanted = EventFilter(jti=told.who["jti"], user=told.who.get("user"), type=kind)
        if (found := await _first(work, directory, wanted)) is not None:
            return found
    return None


async def _consent(work: Work, directory: Directory, told: Told) -> Told | None:
    """Return the yes that the event stands on: that of its line, or else the newest one of its grant."""
    grant = told.who.get("grant")
    if grant is None:
        return None
    for kind in _CONSENTS:
        wanted = EventFilter(grant=grant, type=kind, line=told.who.get("line"))
        if (found := await _first(work, directory, wanted)) is not None:
            return found
    return None


async def _stops(work: Work, directory: Directory, told: Told) -> tuple[StopInForce, ...]:
    targets = [Target(kind, told.who[part]) for part, kind in _TARGETS if part in told.who]
    uri = told.who.get("resource")
    resource = await work.resources.by_uri(uri) if uri is not None else None
    if resource is not None:
        targets.append(Target(TargetKind.RESOURCE, resource.id))
    found = sorted(await work.stops.on(targets), key=lambda stop: stop.epoch, reverse=True)[:MOST_STOPS]
    return tuple([StopInForce(stop=stop, by=await directory.label(stop.actor) or stop.actor) for stop in found])


async def _first(work: Work, directory: Directory, wanted: EventFilter) -> Told | None:
    page = await work.events.page(wanted, limit=1)
    return await tell(work, directory, page[0]) if page else None
