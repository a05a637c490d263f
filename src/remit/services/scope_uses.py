"""What is known of the use of each scope of a grant."""

from __future__ import annotations

from datetime import datetime

from remit.core.grants import Grant, Line
from remit.core.trimming import ScopeUse
from remit.ports.work import Work
from remit.services.directory import PAGE


async def uses_in(work: Work, grant: Grant) -> tuple[ScopeUse, ...]:
    """Return it by scope, in the order of their names."""
    usage = {entry.scope: entry for entry in await work.decisions.usage([grant.id])}
    lines = await work.lines.page(grant.id, limit=PAGE)
    found = []
    for name in sorted(grant.scopes):
        entry = usage.get(name)
        found.append(
            ScopeUse(
                name=name,
                since=max((line.created_at for line in lines if name in line.scopes), default=_eldest(grant, lines)),
                calls=entry.count if entry else 0,
                last_at=entry.last_at if entry else None,
            )
        )
    return tuple(found)


def _eldest(grant: Grant, lines: tuple[Line, ...]) -> datetime:
    """Return the latest time at which a scope can have been allowed that none of the newest lines holds."""
    return lines[-1].created_at if lines else grant.created_at
