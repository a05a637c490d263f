"""What a presented refresh token earns (RFC 6749 §6, RFC 9700 §4.14.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from remit.core.grants import Line
from remit.core.names import ClientId
from remit.core.oauth.dpop import OTHER_KEY
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import REPLAY_WINDOW, RefreshState, RefreshToken


@dataclass(frozen=True, slots=True)
class Rotate:
    """Spend the token, issue its successor and an access token with these scopes."""

    token: RefreshToken
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Replay:
    """The answer was lost or a sibling won the race: repeat the same successor."""

    token: RefreshToken
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class RevokeLine:
    """The token leaked. The line dies; the wire learns nothing more than `refusal`."""

    reason: str
    refusal: Refusal


UNKNOWN = Refusal("invalid_grant", "unknown refresh token")
EXPIRED = Refusal("invalid_grant", "the refresh token expired; ask the user again")
REUSED = Refusal(
    "invalid_grant", "the refresh token was already used, so everything issued from it was revoked; ask the user again"
)


def judge_refresh(
    token: RefreshToken | None,
    line: Line | None,
    *,
    client: ClientId,
    wanted: frozenset[str] | None,
    jkt: str | None = None,
    now: datetime,
    window: timedelta = REPLAY_WINDOW,
) -> Rotate | Replay | RevokeLine | Refusal:
    """Say what a presented refresh token earns. `token` is already proven by its digest; `line` is its own."""
    if token is None or line is None:
        return UNKNOWN
    if line.client != client:
        # A stranger's token must look exactly like no token; but whoever holds it proves that it leaked.
        return RevokeLine("presented_by_another_client", UNKNOWN)
    if not token.fits(jkt):
        # Without the key the token is worth nothing, so whoever shows it can also end nothing with it.
        return OTHER_KEY
    scopes = line.scopes if wanted is None else wanted
    match token.state:
        case RefreshState.REVOKED:
            return Refusal("invalid_grant", "the refresh token was revoked; ask the user again")
        case RefreshState.SPENT if not token.replayable(now, window):
            return RevokeLine("refresh_token_reuse", REUSED)
        case RefreshState.LIVE if now >= token.expires_at:
            return EXPIRED
        case RefreshState.LIVE | RefreshState.SPENT:
            if not scopes <= line.scopes:
                return Refusal("invalid_scope", "a refresh can only narrow: leave out scopes that were not granted")
            return Rotate(token, scopes) if token.state is RefreshState.LIVE else Replay(token, scopes)
        case unreachable:
            assert_never(unreachable)
