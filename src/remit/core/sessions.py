"""Login sessions: a browser in which a user has signed in to one tenant."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from remit.core.names import SessionId, UserId

SESSION_IDLE = timedelta(hours=8)
SESSION_ABSOLUTE = timedelta(days=7)

SINGLE_FACTOR = "urn:remit:acr:single-factor"
"""The `acr` of a login by one proof of any kind, a password for one."""

MULTI_FACTOR = "urn:remit:acr:multi-factor"
"""The `acr` of a login by two proofs of two kinds: a password, and a code of what the user holds (ADR 13)."""

ACR_VALUES = (SINGLE_FACTOR, MULTI_FACTOR)
"""Every level there is, the weaker first: each is reached by whatever reaches a stronger one."""

WITH_PASSWORD = ("pwd",)
WITH_CODE = ("pwd", "otp", "mfa")
"""How somebody signed in (`amr`, RFC 8176 §2)."""


def acr_of(amr: tuple[str, ...]) -> str:
    """Return the level that a login reached. Only what says that it had two factors reached two."""
    return MULTI_FACTOR if "mfa" in amr else SINGLE_FACTOR


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
    def acr(self) -> str:
        return acr_of(self.amr)

    @property
    def runs_out_at(self) -> datetime:
        """Return when the session ends by itself."""
        return min(self.last_seen + SESSION_IDLE, self.auth_time + SESSION_ABSOLUTE)

    def live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.runs_out_at
