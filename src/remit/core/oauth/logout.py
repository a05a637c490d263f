"""Sign-out that a client asks for, and clients that are told of one (OIDC RP-Initiated and Back-Channel Logout)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from remit.core.clients import Client, ClientState, Logout
from remit.core.names import ClientId, SessionId, UserId
from remit.core.oauth import uris
from remit.core.oauth.redirects import check_registered
from remit.core.oauth.verdicts import Refusal

MOST_REDIRECTS: Final = 20

EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TOKEN_LIFETIME: Final = timedelta(seconds=120)

WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 900, 3600))
"""How long after each try in vain the next one comes. After the last of them there is none."""

LEASE: Final = timedelta(seconds=30)
"""How long a node has for a try; then another one may do it."""

DEFERRED: Final = timedelta(seconds=5)
OLDEST: Final = timedelta(hours=4)
"""A client that could not be told for so long is not told any more: its own session is over by then, or should be."""

OTHERS: Final = Refusal(
    "invalid_request", "client_id is not the client that the id_token_hint was issued to: send one of them"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdHint:
    """What one of our own id tokens says of whom it was about, for whom, and in which login."""

    subject: str
    client: str | None
    session: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutNotice:
    """One client that is to be told that one login session is over."""

    id: str
    client: ClientId
    user: UserId
    session: SessionId
    tries: int
    created_at: datetime


def check_logout(logout: Logout, application_type: str) -> Refusal | None:
    """Refuse addresses that nobody may be sent to, or that could not be reached safely."""
    if len(set(logout.redirect_uris)) != len(logout.redirect_uris):
        return _no("a post-logout redirect URI is there twice")
    if len(logout.redirect_uris) > MOST_REDIRECTS:
        return _no(f"a client has at most {MOST_REDIRECTS} post-logout redirect URIs")
    for uri in logout.redirect_uris:
        if (flaw := check_registered(uri, application_type)) is not None:
            return _no(f"post_logout_redirect_uris: {flaw.hint}")
    if logout.backchannel_uri is None:
        needless = _no("backchannel_logout_session_required needs backchannel_logout_uri: where the client is told")
        return needless if logout.backchannel_session else None
    parts = uris.read(logout.backchannel_uri)
    if isinstance(parts, uris.Flaw):
        return _no(f"backchannel_logout_uri {parts.clause}")
    if parts.scheme != "https" or parts.host is None:
        return _no("backchannel_logout_uri must begin with https://: what is sent there says who signed out")
    return None


def judge_client(hint: IdHint | None, named: str | None, client: Client | None) -> Refusal | None:
    """See that a hint and a client id speak of one client (RP-Initiated Logout §2). `client`: the one that is named."""
    if hint is None or named is None:
        return None
    return None if client is not None and hint.client == client.wire_id else OTHERS


def way_out(client: Client | None, redirect_uri: str | None) -> str | None:
    """Return where the browser may go afterwards: to the letter what its client registered, else nowhere (§3)."""
    if client is None or client.state is not ClientState.ACTIVE or redirect_uri is None:
        return None
    return redirect_uri if redirect_uri in client.logout.redirect_uris else None


def next_try(notice: LogoutNotice, now: datetime) -> datetime | None:
    """Return when a client is tried again that could not be told; None: it is given up."""
    if notice.tries > len(WAITS) or now >= notice.created_at + OLDEST:
        return None
    return now + WAITS[notice.tries - 1]


def _no(hint: str) -> Refusal:
    return Refusal("invalid_request", hint)
