"""Which scopes of a grant nobody has used for a while, so that it can be narrowed to what was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from remit.core.oauth.scopes import IDENTITY_SCOPES

USUAL_SPAN: Final = timedelta(days=7)
"""A user's yes holds for a month at most, so that of a longer span nothing would ever be unused."""
LONGEST_SPAN: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeUse:
    """One scope of a grant: since when it is allowed, and what guards reported of it."""

    name: str
    since: datetime
    """When somebody last allowed it."""
    calls: int
    last_at: datetime | None
    """The last call that needed it, whatever was answered; None where nobody ever made one."""

    def used(self, after: datetime) -> bool:
        """Say whether it was used after a time. Its last call counts if any was ever allowed: in doubt it stays."""
        return self.calls > 0 and self.last_at is not None and self.last_at > after


def unused(uses: tuple[ScopeUse, ...], *, now: datetime, span: timedelta) -> frozenset[str]:
    """Return the scopes of a grant that were not used for `span`. One that is younger had no time to be, and stays.

    That guards reported nothing is not that nothing was called: only where a scope was seen in use do the others
    count as unused. What tells about the user calls no API, so nobody reports it, and it stays.
    """
    after = now - span
    called = [use for use in uses if use.name not in IDENTITY_SCOPES]
    if not any(use.used(after) for use in called):
        return frozenset()
    return frozenset(use.name for use in called if use.since <= after and not use.used(after))
