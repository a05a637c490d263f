"""Client assertions: a client proves itself with its own key (RFC 7523 §3, CA-3 to CA-8)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from remit.core.oauth.verdicts import Refusal
from remit.crypto.compact import Compact, numeric_date, read_object, take_apart, text, type_name
from remit.crypto.jose import ALGORITHMS, PRIVATE_MEMBERS, PublicKey, canonical, read_public
from remit.ports.deps import Assertion

LONGEST_LIFE: Final = 300
"""Seconds: how far ahead an assertion may expire."""

_SKEW: Final = 10
_OLDEST: Final = 300
_LONGEST_JTI: Final = 256
_MOST_KEYS: Final = 20
# Every other explicit type belongs to another protocol, and its tokens must not pass here (RFC 8725 §3.11).
_TYPES: Final = frozenset({"", "jwt", "client-authentication+jwt"})


def check_assertion(assertion: str, jwks: str, *, issuer: str, client: str, now: datetime) -> Assertion | Refusal:
    """Check an assertion by the client's registered keys. Whatever fails, the client hears the same (CA-8)."""
    parts = take_apart(assertion)
    if parts is None:
        return _no("not three parts of base64url and JSON within 16 kB")
    if (why := _judge_header(parts)) is not None:
        return _no(why)
    keys = _fitting(parts, _registered(jwks))
    if not keys:
        return _no("no registered key has this kid and algorithm")
    signer = next((key for key in keys if key.verifies(parts.message, parts.signature)), None)
    if signer is None:
        return _no("the signature is not by a registered key")
    claims = parts.claims()
    if claims is None:
        return _no("the claims are not one JSON object with each member once")
    return _judge_claims(claims, issuer=issuer, client=client, key=signer.kid or "", at=now.timestamp())


def flaw_of_jwks(jwks: str) -> str | None:
    """Say what keeps a key set from being registered: each key in it must verify, and none may be private."""
    document = read_object(jwks.encode("utf-8", "replace"))
    members = None if document is None else document.get("keys")
    if not isinstance(members, list) or not members:
        return 'must be a JSON Web Key Set: {"keys": [...]} with at least one key'
    if len(members) > _MOST_KEYS:
        return f"has more than {_MOST_KEYS} keys"
    if any(isinstance(jwk, dict) and PRIVATE_MEMBERS & jwk.keys() for jwk in members):
        return "holds a private key: leave it with the client and register the public half"
    keys = [read_public(jwk) for jwk in members]
    if any(key is None for key in keys):
        return f"holds a key that signs nothing here: use one of {', '.join(ALGORITHMS)}, with use sig"
    kids = [key.kid for key in keys if key is not None and key.kid is not None]
    return "names two keys alike: each kid once" if len(set(kids)) != len(kids) else None


def kids_of(jwks: str) -> tuple[str, ...]:
    """Return the kid of each key in a registered key set; empty where a key has none."""
    return tuple(key.kid or "" for key in _registered(jwks))


def _judge_header(parts: Compact) -> str | None:
    if "crit" in parts.header or "b64" in parts.header:
        return "a header that changes what is signed, or that must be understood, is not"
    if type_name(parts.header) not in _TYPES:
        return "typ is of another kind of token"
    if parts.header.get("alg") not in [*ALGORITHMS]:  # a list: alg may be of a type that has no hash
        return "alg is not one of ours"
    if not isinstance(parts.header.get("kid", ""), str):
        return "kid is not a string"
    return None


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


@lru_cache(maxsize=1024)
def _registered(jwks: str) -> tuple[PublicKey, ...]:
    """Read a client's key set. It is kept by its text, so a changed set counts from the next assertion on (CA-10)."""
    document = read_object(jwks.encode("utf-8", "replace")) or {}
    members = document.get("keys")
    found = [read_public(jwk) for jwk in members[:_MOST_KEYS]] if isinstance(members, list) else []
    return tuple(key for key in found if key is not None)


def _fitting(parts: Compact, keys: tuple[PublicKey, ...]) -> list[PublicKey]:
    """Return the keys that may have signed this: of its kid where it names one, of its algorithm always (CA-7)."""
    alg, kid = canonical(str(parts.header["alg"])), parts.header.get("kid")
    fitting = [key for key in keys if canonical(key.alg) == alg]
    return fitting if kid is None else [key for key in fitting if key.kid == kid]


def _no(why: str) -> Refusal:
    return Refusal("invalid_client", "client authentication failed", audit=why)
