"""Client assertions: a client proves itself with its own key (RFC 7523 §3, CA-3 to CA-8)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from remit.core.oauth.verdicts import Refusal
from remit.crypto.client_keys import read_signed
from remit.crypto.compact import numeric_date, text
from remit.ports.deps import Assertion

LONGEST_LIFE: Final = 300
"""Seconds: how far ahead an assertion may expire."""

_SKEW: Final = 10
_OLDEST: Final = 300
_LONGEST_JTI: Final = 256
# Every other explicit type belongs to another protocol, and its tokens must not pass here (RFC 8725 §3.11).
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})


def check_assertion(assertion: str, jwks: str, *, issuer: str, client: str, now: datetime) -> Assertion | Refusal:
    """Check an assertion by the client's registered keys. Whatever fails, the client hears the same (CA-8)."""
    signed = read_signed(assertion, jwks, types=_TYPES)
    if isinstance(signed, str):
        return _no(signed)
    return _judge_claims(signed.claims, issuer=issuer, client=client, key=signed.key, at=now.timestamp())


def _judge_claims(claims: dict[str, object], *, issuer: str, client: str, key: str, at: float) -> Assertion | Refusal:
    if claims.get("iss") != client or claims.get("sub") != client:
        return _no("iss and sub are not both the client")
    # The issuer and nothing else: an audience that also suits somebody else can be replayed there (CA-5).
    if claims.get("aud") not in (issuer, [issuer]):
        return _no("aud is not the issuer alone")
    expires = numeric_date(claims.get("exp"))
    if expires is None:
        return _no("exp is missing or no number of seconds")
    if expires <= at:
        return _no("expired")
    if expires > at + LONGEST_LIFE:
        return _no(f"exp is more than {LONGEST_LIFE} s ahead")
    if (why := _judge_start(claims, at)) is not None:
        return _no(why)
    jti = text(claims.get("jti"), longest=_LONGEST_JTI)
    if jti is None:
        return _no("jti is missing or unusable")
    return Assertion(jti=jti, expires_at=datetime.fromtimestamp(expires, UTC), key=key)


def _judge_start(claims: dict[str, object], at: float) -> str | None:
    if "iat" in claims:
        issued = numeric_date(claims["iat"])
        if issued is None:
            return "iat is no number of seconds"
        if not at - _OLDEST <= issued <= at + _SKEW:
            return "iat is too old or in the future"
    if "nbf" in claims:
        start = numeric_date(claims["nbf"])
        if start is None or start > at + _SKEW:
            return "nbf is in the future or no number of seconds"
    return None


def _no(why: str) -> Refusal:
    return Refusal("invalid_client", "client authentication failed", audit=why)
