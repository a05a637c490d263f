"""A tenant's signing keys at work: access tokens, id tokens, audit checkpoints, and reading our own tokens back."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from remit.core.delegation import write_actors, write_via
from remit.core.errors import RemitError
from remit.core.keys import KeyState, KeyUse, SigningKey
from remit.core.names import Kid, TenantId
from remit.core.oauth.dpop import Proof
from remit.core.oauth.logout import IdHint
from remit.core.oauth.verdicts import Refusal
from remit.core.sessions import acr_of
from remit.core.tenants import Tenant
from remit.core.tokens import AccessClaims
from remit.crypto.assertions import check_assertion
from remit.crypto.client_keys import flaw_of_jwks, kids_of
from remit.crypto.compact import numeric_date, take_apart, text, type_name, write_base64url
from remit.crypto.dpop import read_proof
from remit.crypto.jose import PRIVATE_MEMBERS, PrivateKey, verifies_ed25519
from remit.crypto.request_objects import check_request_object
from remit.ports.deps import Assertion, RequestObject, Sealer

ACCESS_TYPE: Final = "at+jwt"
ID_TYPE: Final = "JWT"
LOGOUT_TYPE: Final = "logout+jwt"
CLOCK_SKEW: Final = 10
"""Seconds by which the clock of whoever wrote a time may run ahead of ours."""

_ACCESS_ALG: Final = "ES256"
_AUDIT_ALG: Final = "Ed25519"
_VERIFYING: Final = frozenset({KeyState.NEXT, KeyState.ACTIVE, KeyState.RETIRING})
_KEPT: Final = 4096
_OUR_HEADER: Final = frozenset({"alg", "kid", "typ"})
_TYPES: Final = {KeyUse.ACCESS: ACCESS_TYPE, KeyUse.ID: ID_TYPE}
_REQUIRED: Final = ("sub", "aud", "client_id", "jti", "tenant", "agent_id", "grant_id")

_write = msgspec.json.Encoder().encode


class KeyUnusable(RemitError):
    """A tenant has no key where it must have one, or a stored key does not open under this master key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parsed:
    private: PrivateKey
    head: bytes
    """The header of what this key signs, encoded, with its dot."""


class TenantKeyring:
    """The keyring port. A key is opened once and kept by tenant and kid; what is stored beside it is not believed.

    Verification uses the public half of the *sealed* key, so whoever can write the database still cannot put his own
    public key in the place of ours.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._parsed: dict[tuple[TenantId, Kid], _Parsed] = {}
        self._proven: dict[tuple[TenantId, bytes], tuple[str, dict[str, object]]] = {}

    def create(self, tenant: Tenant, use: KeyUse, alg: str, *, now: datetime) -> SigningKey:
        """Make a key in state `next`, named by its thumbprint."""
        private = PrivateKey.generate(alg)
        while private.thumbprint().startswith("-"):
            # On a command line such a name would be taken for an option.
            private = PrivateKey.generate(alg)
        kid = Kid(private.thumbprint())
        public = private.jwk() | {"kid": kid, "alg": alg, "use": "sig"}
        return SigningKey(
            kid=kid,
            alg=alg,
            use=use,
            state=KeyState.NEXT,
            public=_write(public).decode(),
            sealed=self._sealer.seal(private.der(), context=_context(tenant, kid)),
            created_at=now,
            changed_at=now,
        )

    def active_kid(self, keys: Sequence[SigningKey], use: KeyUse, alg: str) -> str:
        return _active(keys, use, alg).kid

    def sign_access(self, tenant: Tenant, keys: Sequence[SigningKey], claims: AccessClaims) -> str:
        """Sign an access token (RFC 9068 §2)."""
        if claims.issuer != tenant.issuer:
            raise ValueError("an access token names the issuer of its tenant")
        return self._sign(tenant, _active(keys, KeyUse.ACCESS, _ACCESS_ALG), _access_claims(claims))

    def sign_id(
        self, tenant: Tenant, keys: Sequence[SigningKey], alg: str, claims: dict[str, object], *, access_token: str
    ) -> str:
        """Sign an id token; `iss` and `at_hash` (OIDC Core §3.1.3.6) are put in here."""
        # Both algorithms hash with SHA-256, and at_hash is the left half of that hash.
        half = hashlib.sha256(access_token.encode("ascii")).digest()[:16]
        said = claims | {"iss": tenant.issuer, "at_hash": write_base64url(half).decode()}
        return self._sign(tenant, _active(keys, KeyUse.ID, alg), said)

    def sign_logout(self, tenant: Tenant, keys: Sequence[SigningKey], alg: str, claims: dict[str, object]) -> str:
        """Sign a logout token. Its own type keeps it from being taken for an id token, and the other way round."""
        key = _active(keys, KeyUse.ID, alg)
        head = write_base64url(_write({"alg": key.alg, "kid": key.kid, "typ": LOGOUT_TYPE})) + b"."
        return self._sign(tenant, key, claims | {"iss": tenant.issuer}, head=head)

    def read_access(
        self, tenant: Tenant, keys: Sequence[SigningKey], token: str, *, now: datetime
    ) -> dict[str, object] | None:
        # That a key of this tenant signed these very bytes stays true and is remembered; the rest is asked each time.
        name = (tenant.id, hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest())
        proven = self._proven.get(name)
        if proven is None:
            proven = self._prove(tenant, keys, token)
            if proven is None:
                return None
            if len(self._proven) >= _KEPT:
                del self._proven[next(iter(self._proven))]
            self._proven[name] = proven
        kid, claims = proven
        if _verifying(keys, kid) is None or not _hold(claims, issuer=tenant.issuer, now=now):
            return None
        return claims | {"kid": kid}

    def _prove(self, tenant: Tenant, keys: Sequence[SigningKey], token: str) -> tuple[Kid, dict[str, object]] | None:
        parts = take_apart(token)
        # Our own header has three members; with that, no crit, jku, x5u, jwk or b64 needs a rule of its own (GEN-16).
        if parts is None or parts.header.keys() != _OUR_HEADER or type_name(parts.header) != ACCESS_TYPE:
            return None
        key = _verifying(keys, parts.header["kid"])
        if key is None or parts.header["alg"] != key.alg:
            return None
        if not self._open(tenant, key).private.public.verifies(parts.message, parts.signature):
            return None
        claims = parts.claims()
        return None if claims is None else (key.kid, claims)

    def read_hint(self, tenant: Tenant, keys: Sequence[SigningKey], token: str) -> IdHint | None:
        parts = take_apart(token)
        if parts is None or parts.header.keys() != _OUR_HEADER or type_name(parts.header) != ID_TYPE.lower():
            return None
        key = next((key for key in keys if key.kid == parts.header["kid"]), None)
        # A hint lets nobody in, it only keeps others out: a key that is gone still tells who was meant.
        if key is None or key.use is not KeyUse.ID or parts.header["alg"] != key.alg:
            return None
        if not self._open(tenant, key).private.public.verifies(parts.message, parts.signature):
            return None
        claims = parts.claims()
        if claims is None or claims.get("iss") != tenant.issuer:
            return None
        subject = text(claims.get("sub"))
        if subject is None:
            return None
        return IdHint(subject=subject, client=text(claims.get("aud")), session=text(claims.get("sid")))

    def issuer_of(self, token: str) -> str | None:
        parts = take_apart(token)
        claims = None if parts is None else parts.claims()
        return None if claims is None else text(claims.get("iss"))

    def jwks(self, keys: Sequence[SigningKey]) -> dict[str, object]:
        published = [key for key in keys if key.use is not KeyUse.AUDIT and key.state in _VERIFYING]
        return {"keys": [_public(key) for key in sorted(published, key=lambda key: (key.created_at, key.kid))]}

    def flaw_of_jwks(self, jwks: str) -> str | None:
        return flaw_of_jwks(jwks)

    def kids_of(self, jwks: str) -> tuple[str, ...]:
        return kids_of(jwks)

    def check_assertion(
        self, assertion: str, jwks: str, *, issuer: str, client: str, now: datetime
    ) -> Assertion | Refusal:
        return check_assertion(assertion, jwks, issuer=issuer, client=client, now=now)

    def read_proof(self, proof: str) -> Proof | Refusal:
        return read_proof(proof)

    def check_request_object(
        self, signed: str, jwks: str, *, issuer: str, client: str, now: datetime
    ) -> RequestObject | Refusal:
        return check_request_object(signed, jwks, issuer=issuer, client=client, now=now)

    def sign_note(self, tenant: Tenant, keys: Sequence[SigningKey], body: bytes) -> tuple[bytes, bytes]:
        private = self._open(tenant, _active(keys, KeyUse.AUDIT, _AUDIT_ALG)).private
        return private.raw_public(), private.sign(body)

    def note_keys(self, tenant: Tenant, keys: Sequence[SigningKey]) -> tuple[bytes, ...]:
        return tuple(self._open(tenant, key).private.raw_public() for key in keys if key.use is KeyUse.AUDIT)

    def verify_note(self, public: bytes, body: bytes, signature: bytes) -> bool:
        return verifies_ed25519(public, body, signature)

    def _sign(self, tenant: Tenant, key: SigningKey, claims: dict[str, object], *, head: bytes | None = None) -> str:
        parsed = self._open(tenant, key)
        message = (head or parsed.head) + write_base64url(_write(claims))
        return (message + b"." + write_base64url(parsed.private.sign(message))).decode("ascii")

    def _open(self, tenant: Tenant, key: SigningKey) -> _Parsed:
        known = self._parsed.get((tenant.id, key.kid))
        if known is not None:
            return known
        der = self._sealer.unseal(key.sealed, context=_context(tenant, key.kid))
        if der is None:
            raise KeyUnusable(f"signing key {key.kid} does not open: another master key, another tenant, or damage")
        header: dict[str, object] = {"alg": key.alg, "kid": key.kid}
        if key.use in _TYPES:
            header["typ"] = _TYPES[key.use]
        parsed = _Parsed(private=PrivateKey.load(key.alg, der), head=write_base64url(_write(header)) + b".")
        if len(self._parsed) >= _KEPT:
            del self._parsed[next(iter(self._parsed))]
        self._parsed[tenant.id, key.kid] = parsed
        return parsed


def _context(tenant: Tenant, kid: Kid) -> tuple[str, str]:
    return tenant.id, kid


def _active(keys: Sequence[SigningKey], use: KeyUse, alg: str) -> SigningKey:
    for key in keys:
        if key.use is use and key.alg == alg and key.state is KeyState.ACTIVE:
            return key
    raise KeyUnusable(f"no active {alg} key for {use}")


def _verifying(keys: Sequence[SigningKey], kid: object) -> SigningKey | None:
    """Return the key of access tokens that still verifies under this name."""
    for key in keys:
        if key.kid == kid:
            return key if key.use is KeyUse.ACCESS and key.state in _VERIFYING else None
    return None


def _access_claims(claims: AccessClaims) -> dict[str, object]:
    said: dict[str, object] = {
        "iss": claims.issuer,
        "sub": claims.subject,
        "aud": claims.audience,
        "client_id": claims.client,
        "iat": int(claims.issued_at.timestamp()),
        "exp": int(claims.expires_at.timestamp()),
        "jti": claims.jti,
        "tenant": claims.tenant,
        "agent_id": claims.agent,
        "purpose": claims.purpose,
        "grant_id": claims.grant,
        "epo": claims.epoch,
    }
    if claims.scopes:
        said["scope"] = " ".join(sorted(claims.scopes))
    if claims.owner is not None:
        said["agent_owner"] = claims.owner
    if claims.line is not None:
        said["line_id"] = claims.line
    if claims.session is not None:
        said["sid"] = claims.session
    if claims.auth_time is not None:
        said["auth_time"] = int(claims.auth_time.timestamp())
    if claims.details is not None:
        said["authorization_details"] = msgspec.Raw(claims.details.encode())
    if claims.may_act is not None:
        said["may_act"] = {"sub": claims.may_act}
    if claims.actors:
        said |= {"act": write_actors(claims.actors), "via": write_via(claims.via)}
    if claims.amr:
        said |= {"amr": list(claims.amr), "acr": acr_of(claims.amr)}
    if claims.jkt is not None:
        said["cnf"] = {"jkt": claims.jkt}
    return said


def _hold(claims: dict[str, object], *, issuer: str, now: datetime) -> bool:
    """Say whether the claims of a signed access token hold now (RFC 9068 §4). Absent means no."""
    at = now.timestamp()
    issued, expires = numeric_date(claims.get("iat")), numeric_date(claims.get("exp"))
    return (
        claims.get("iss") == issuer
        and expires is not None
        and at < expires
        and issued is not None
        and issued <= at + CLOCK_SKEW
        and all(text(claims.get(name)) is not None for name in _REQUIRED)
        and isinstance(claims.get("scope", ""), str)
        and _counts(claims.get("epo"))
    )


def _counts(epoch: object) -> bool:
    """Say whether this is an epoch. Without one nobody could tell whether a stop fell after the token was issued."""
    return isinstance(epoch, int) and not isinstance(epoch, bool) and epoch >= 0


def _public(key: SigningKey) -> dict[str, object]:
    members: dict[str, object] = msgspec.json.decode(key.public)
    shown = {name: value for name, value in members.items() if name not in PRIVATE_MEMBERS}
    # RFC 7517 §4 lets a key have members of our own: what this key signs, so that a guard need not believe a header.
    return shown | {"kid": key.kid, "use": "sig", "alg": key.alg, "remit_typ": _TYPES[key.use]}
