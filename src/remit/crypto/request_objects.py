"""Request objects: an authorization request that its client signed (RFC 9101 §6, JAR-1 to JAR-3)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from remit.core.oauth.request_object import LONGEST_LIFE, broken
from remit.core.oauth.verdicts import Refusal
from remit.crypto.client_keys import read_signed
from remit.crypto.compact import numeric_date, text
from remit.ports.deps import RequestObject

_SKEW: Final = 10
_LONGEST_JTI: Final = 256
_SPAN: Final = LONGEST_LIFE.total_seconds()
# Many clients leave the type out, and some still say JWT. That no other token of theirs passes is seen to by `sub`.
_TYPES: Final = frozenset({"", "jwt", "oauth-authz-req+jwt"})


def check_request_object(signed: str, jwks: str, *, issuer: str, client: str, now: datetime) -> RequestObject | Refusal:
    """Check a request object by its client's registered keys, and return what it says."""
    read = read_signed(signed, jwks, types=_TYPES)
    if isinstance(read, str):
        return broken("the request object is not signed by a key that this client registered", audit=read)
    if (hint := _flaw(read.claims, issuer=issuer, client=client, at=now.timestamp())) is not None:
        return broken(hint)
    jti = read.claims.get("jti")
    return RequestObject(claims=read.claims, jti=None if jti is None else str(jti), key=read.key)


def _flaw(claims: dict[str, object], *, issuer: str, client: str, at: float) -> str | None:
    if claims.get("iss") != client or claims.get("client_id") != client:
        return "iss and client_id in the request object must both be the client_id of the request"
    if "sub" in claims:
        # A client assertion names its client here; signed by the same key, it must never be a request (RFC 9101 §10.8).
        return "the request object has no sub: leave it out"
    if claims.get("aud") not in (issuer, [issuer]):
        return "aud in the request object must be the issuer alone"
    if "request" in claims or "request_uri" in claims:
        return "a request object holds no other request: leave out request and request_uri"
    if "jti" in claims and text(claims["jti"], longest=_LONGEST_JTI) is None:
        return f"jti in the request object must be a text of at most {_LONGEST_JTI} characters"
    return _time_flaw(claims, at)


def _time_flaw(claims: dict[str, object], at: float) -> str | None:
    expires = numeric_date(claims.get("exp"))
    if expires is None:
        return "exp is missing in the request object, or no number of seconds"
    if expires <= at:
        return "the request object has expired: sign a new one"
    if expires > at + _SPAN:
        return f"exp in the request object must be at most {int(_SPAN)} s ahead"
    for name in ("nbf", "iat"):
        if name not in claims:
            continue
        start = numeric_date(claims[name])
        if start is None or not at - _SPAN <= start <= at + _SKEW:
            return f"{name} in the request object must be a number of seconds, not ahead and within the last hour"
    return None
