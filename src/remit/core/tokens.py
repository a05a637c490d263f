"""Refresh tokens and the claims of access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from remit.core.delegation import Actor
from remit.core.names import LineId, TokenId
from remit.core.stops import Target

REPLAY_WINDOW = timedelta(seconds=30)
"""How long a just-spent refresh token may be shown again, counted from its rotation; it never slides. The settings may
say less."""


MAX_TOKEN_LENGTH = 4096
"""Characters of the longest access token: it stands in a header, and servers and proxies cut those (JAT-7)."""

_ROOM = 2200
"""Bytes that are left in it for what has no length of its own, beside ids, numbers and the signature."""


_ACTOR = 100
_TARGET = 6
_BOUND = 62
"""Bytes of one level of `act`, of what stands around one id in `via`, and of `cnf`."""


class RefreshState(StrEnum):
    LIVE = "live"
    SPENT = "spent"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshToken:
    """One link in a line's family of refresh tokens.

    `successor` is the id of the token that replaced this one; `sealed` is that token's text, sealed under a key that
    only the bearer of this token can derive, so a lost answer can be repeated without plaintext at rest.
    """

    id: str
    digest: bytes = field(repr=False)
    line: LineId
    state: RefreshState
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None
    successor: str | None
    sealed: bytes | None = field(repr=False)
    successor_state: RefreshState | None
    jkt: str | None = None
    """The key of the public client that it was given to; nobody else may use it (RFC 9449 §5)."""
    successor_jkt: str | None = None

    def fits(self, jkt: str | None) -> bool:
        """Say whether whoever holds this key may use it. A spent one stands for its successor, and for its key."""
        bound = self.jkt or self.successor_jkt
        return bound is None or bound == jkt

    def replayable(self, now: datetime, window: timedelta = REPLAY_WINDOW) -> bool:
        """Say whether a repeat is a lost answer rather than theft (RFC 9700 §4.14.2): successor unused, window open."""
        return (
            self.state is RefreshState.SPENT
            and self.spent_at is not None
            and self.successor_state is RefreshState.LIVE
            and now < self.spent_at + window
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says (RFC 9068 §2.2), before it is signed."""

    jti: TokenId
    issuer: str
    audience: str
    subject: str
    client: str
    scopes: frozenset[str]
    issued_at: datetime
    expires_at: datetime
    tenant: str
    agent: str
    owner: str | None
    purpose: str
    grant: str
    line: str | None
    session: str | None
    auth_time: datetime | None
    amr: tuple[str, ...]
    epoch: int
    details: str | None = None
    """`authorization_details` in canonical JSON (RFC 9396 §9.1)."""
    may_act: str | None = None
    """The agent that answers at the audience, and so may act on with this token (RFC 8693 §4.4)."""
    actors: tuple[Actor, ...] = ()
    """Who acts for the subject by exchange, newest first; empty: nobody but the agent itself."""
    via: tuple[Target, ...] = ()
    """What the token came from by exchange, as far as a stop can name it."""
    jkt: str | None = None
    """The key that whoever presents the token must prove (RFC 9449 §6.1); None for a bearer token."""

    @property
    def too_long(self) -> bool:
        """Say whether the token could be longer than every API must take."""
        # JSON writes a quote and a backslash in two characters.
        purpose = len(self.purpose.encode()) + self.purpose.count('"') + self.purpose.count("\\")
        details = len(self.details.encode()) if self.details is not None else 0
        told = purpose + details + len(self.issuer) + len(self.audience) + len(" ".join(self.scopes))
        return (
            told
            + len(self.actors) * _ACTOR
            + sum(len(target.id) + _TARGET for target in self.via)
            + (_ACTOR if self.may_act else 0)
            + (_BOUND if self.jkt else 0)
            > _ROOM
        )
