"""Judge an access token from its bytes, a key and the time: pure, and a yes only from facts.

RFC 9068 §4, RFC 8725. Nothing here asks a network or a clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from remit_sdk.jose import ALGORITHMS, PublicKey
from remit_sdk.strict import read_base64url, read_date, read_object, read_scopes

MAX_TOKEN_BYTES: Final = 16_384
# The feed forgets a stop after this and a margin, so no token may live longer.
MAX_LIFETIME: Final = 1_800

_TYPES: Final = frozenset({"at+jwt", "application/at+jwt"})
# RFC 7515 §4.1.2-4.1.6: a key or its address inside the token is the attacker's choice.
_FOREIGN_KEY_MEMBERS: Final = frozenset({"jku", "jwk", "x5u", "x5c"})
_KID: Final = re.compile(r"[\x21-\x7E]{1,256}", re.ASCII)
_JKT: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_REQUIRED: Final = ("sub", "client_id", "jti", "tenant", "agent_id", "grant_id")
_OPTIONAL: Final = ("agent_owner", "purpose", "line_id", "sid")


class Reason(StrEnum):
    """Why a call was refused; goes to the decision report."""

    NO_CREDENTIALS = "no_credentials"
    INVALID_REQUEST = "invalid_request"
    INVALID_TOKEN = "invalid_token"
    EXPIRED = "expired"
    WRONG_AUDIENCE = "wrong_audience"
    STOPPED = "stopped"
    INSUFFICIENT_SCOPE = "insufficient_scope"
    INSUFFICIENT_AUTHENTICATION = "insufficient_user_authentication"
    UNKNOWN_ROUTE = "unknown_route"
    UNAVAILABLE = "unavailable"
    INVALID_PROOF = "invalid_dpop_proof"
    USE_NONCE = "use_dpop_nonce"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """The claims of a token whose signature, issuer and shape were verified."""

    issuer: str
    audience: str
    subject: str
    client: str
    jti: str
    tenant: str
    agent: str
    grant: str
    owner: str | None
    purpose: str | None
    line: str | None
    session: str | None
    scopes: frozenset[str]
    epoch: int
    kid: str
    issued_at: float
    expires_at: float
    via: tuple[tuple[str, str], ...]
    """What the token came from by exchange: kind and id of everything on the way."""
    claims: Mapping[str, object]
    details: tuple[Mapping[str, object], ...] = ()
    jkt: str | None = None
    """The key that must be proven with it; None for a bearer token."""

    @property
    def details_types(self) -> frozenset[str]:
        """The types of its `authorization_details` (RFC 9396 §9.1)."""
        return frozenset(str(detail["type"]) for detail in self.details)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A token that earns nothing; `token` is set only when its signature was good."""

    reason: Reason
    hint: str
    token: AccessToken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unverified:
    """A token's parts before anybody has vouched for them; only good for finding a key."""

    signing_input: bytes
    signature: bytes
    kid: str
    alg: str
    issuer: str
    claims: Mapping[str, object]


def _invalid(hint: str) -> Rejected:
    return Rejected(reason=Reason.INVALID_TOKEN, hint=hint)


def read(token: str) -> Unverified | Rejected:
    """Take a compact JWS apart without trusting it (RFC 7515 §5.2)."""
    if len(token) > MAX_TOKEN_BYTES:
        return _invalid("the token is too large")
    parts = token.split(".")
    if len(parts) != 3:
        return _invalid("not a signed JWT")
    said, told, signature = (read_base64url(part) for part in parts)
    if not said or not told or not signature:
        return _invalid("not a signed JWT")
    header, claims = read_object(said), read_object(told)
    if header is None or claims is None:
        return _invalid("header or claims are not plain JSON objects")
    judged = _read_header(header)
    if isinstance(judged, Rejected):
        return judged
    kid, alg = judged
    issuer = claims.get("iss")
    if not isinstance(issuer, str) or not issuer:
        return _invalid("`iss` is missing")
    return Unverified(
        signing_input=f"{parts[0]}.{parts[1]}".encode("ascii"),
        signature=signature,
        kid=kid,
        alg=alg,
        issuer=issuer,
        claims=claims,
    )


def _read_header(header: Mapping[str, object]) -> tuple[str, str] | Rejected:
    typ, alg, kid = header.get("typ"), header.get("alg"), header.get("kid")
    # RFC 9068 §4: an ID token or an assertion of the same issuer is no access token.
    if not isinstance(typ, str) or typ.lower() not in _TYPES:
        return _invalid("`typ` is not at+jwt")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        return _invalid("the algorithm is not accepted")
    # RFC 7515 §4.1.11: we understand no extension, so every one is refused, `b64` with it.
    if "crit" in header or "b64" in header:
        return _invalid("critical header members are not understood")
    if _FOREIGN_KEY_MEMBERS & header.keys():
        return _invalid("a key inside the token is never used")
    if not isinstance(kid, str) or _KID.fullmatch(kid) is None:
        return _invalid("`kid` is missing or malformed")
    return kid, alg


def judge(
    unverified: Unverified,
    *,
    key: PublicKey | None,
    issuer: str,
    audience: str,
    now: float,
    leeway: float,
) -> AccessToken | Rejected:
    """Say what a token earns under the key that its issuer published (RFC 9068 §4)."""
    if key is None or key.kid != unverified.kid:
        return _invalid("the key is unknown")
    if key.alg != unverified.alg:
        return _invalid("the algorithm is not the key's")
    if not key.verifies(unverified.signing_input, unverified.signature):
        return _invalid("the signature does not match")
    if unverified.issuer != issuer:
        return _invalid("`iss` is not the key's issuer")
    token = _read_claims(unverified)
    if isinstance(token, Rejected):
        return token
    if token.issued_at > now + leeway or _not_before(token, now + leeway):
        return _invalid("the token is not valid yet")
    return current_or_rejected(token, audience=audience, now=now)


def current_or_rejected(token: AccessToken, *, audience: str, now: float) -> AccessToken | Rejected:
    """Check what may change between two uses of one verified token."""
    # INVARIANT: no leeway on `exp`, so the feed may forget a stop when the last token is dead.
    if now >= token.expires_at:
        return Rejected(reason=Reason.EXPIRED, hint="the token has expired", token=token)
    if token.audience != audience:
        return Rejected(reason=Reason.WRONG_AUDIENCE, hint="the token is for another resource", token=token)
    return token


def _not_before(token: AccessToken, horizon: float) -> bool:
    if "nbf" not in token.claims:
        return False
    return (read_date(token.claims["nbf"]) or math.inf) > horizon


def _read_claims(unverified: Unverified) -> AccessToken | Rejected:
    claims = unverified.claims
    text: dict[str, str] = {}
    for name in (*_REQUIRED, *(name for name in _OPTIONAL if name in claims)):
        value = claims.get(name)
        # An empty purpose or owner says nothing; an empty id would name nothing to stop.
        if not isinstance(value, str) or (not value and name in _REQUIRED):
            return _invalid(f"`{name}` is missing or malformed")
        text[name] = value
    # One audience a token: an array would leave open which resource a stop is meant for.
    audience, scope, epoch = claims.get("aud"), claims.get("scope"), claims.get("epo")
    if not isinstance(audience, str) or not audience:
        return _invalid("`aud` is not one resource")
    scopes = read_scopes(scope) if isinstance(scope, str) else None
    if scopes is None:
        return _invalid("`scope` is missing or malformed")
    if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
        return _invalid("`epo` is missing or malformed")
    details = _details(claims)
    if details is None:
        return _invalid("`authorization_details` is malformed")
    jkt = _read_binding(claims)
    if isinstance(jkt, Rejected):
        return jkt
    issued_at, expires_at = read_date(claims.get("iat")), read_date(claims.get("exp"))
    if issued_at is None or expires_at is None:
        return _invalid("`iat` or `exp` is missing or malformed")
    if not 0 < expires_at - issued_at <= MAX_LIFETIME:
        return _invalid("the lifetime is out of bounds")
    via = _read_via(claims)
    if via is None:
        return _invalid("`act` or `via` is malformed")
    return AccessToken(
        issuer=unverified.issuer,
        audience=audience,
        subject=text["sub"],
        client=text["client_id"],
        jti=text["jti"],
        tenant=text["tenant"],
        agent=text["agent_id"],
        grant=text["grant_id"],
        owner=text.get("agent_owner"),
        purpose=text.get("purpose"),
        line=text.get("line_id"),
        session=text.get("sid"),
        scopes=scopes,
        epoch=epoch,
        kid=unverified.kid,
        issued_at=issued_at,
        expires_at=expires_at,
        via=via,
        claims=MappingProxyType(dict(claims)),
        details=details,
        jkt=jkt,
    )


def _details(claims: Mapping[str, object]) -> tuple[Mapping[str, object], ...] | None:
    """Return the limits beside the scopes; None where they cannot be read, so that nobody takes them for none."""
    if "authorization_details" not in claims:
        return ()
    said = claims["authorization_details"]
    if not isinstance(said, list) or not said:
        return None
    if not all(isinstance(detail, dict) and isinstance(detail.get("type"), str) for detail in said):
        return None
    return tuple(MappingProxyType(detail) for detail in said)


def _read_via(claims: Mapping[str, object]) -> tuple[tuple[str, str], ...] | None:
    """Return what an exchanged token came from. A token with an actor that does not say it could not be stopped."""
    via = claims.get("via", {})
    if not isinstance(via, Mapping) or (claims.get("act") is not None) != bool(via):
        return None
    names: list[tuple[str, str]] = []
    for kind, ids in via.items():
        if not isinstance(ids, list) or not all(isinstance(id_, str) and id_ for id_ in ids):
            return None
        names += [(kind, id_) for id_ in ids]
    return tuple(names)


def _read_binding(claims: Mapping[str, object]) -> str | Rejected | None:
    """Read the key that the token is bound to (RFC 9449 §6.1). A binding that we cannot check is no bearer token."""
    if "cnf" not in claims:
        return None
    bound = claims["cnf"]
    jkt = bound.get("jkt") if isinstance(bound, dict) and len(bound) == 1 else None
    if not isinstance(jkt, str) or _JKT.fullmatch(jkt) is None:
        return _invalid("the token is bound to something that is not understood here")
    return jkt
