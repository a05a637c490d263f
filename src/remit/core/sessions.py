"""Login sessions: a browser in which a user has signed in to one tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remit.core.names import SessionId, UserId

SESSION_IDLE = timedelta(hours=8)
SESSION_ABSOLUTE = timedelta(days=7)

SINGLE_FACTOR = "urn:remit:acr:single-factor"
"""The `acr` of a login by one proof of any kind, a password for one. More than one proof cannot be asked for yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginSession:
    id: SessionId
    digest: bytes = field(repr=False)
    user: UserId
    auth_time: datetime
    amr: tuple[str, ...]
    last_seen: datetime
    ended_at: datetime | None
    follows: SessionId | None = None
    """The session that the same user had in the same browser before he signed in again. It ends with this one."""

    @property
    def runs_out_at(self) -> datetime:
        """Return when the session ends by itself."""
        return min(self.last_seen + SESSION_IDLE, self.auth_time + SESSION_ABSOLUTE)

    def live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.runs_out_at
