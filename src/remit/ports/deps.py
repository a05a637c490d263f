"""Small ports beside the store, and the record of everything a use case may ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from remit.core.credentials import Use
from remit.core.keys import KeyUse, SigningKey
from remit.core.lifetimes import USUAL, Lifetimes
from remit.core.names import Opaque, Prefix, Secret, SecretKind, TenantId
from remit.core.oauth.dpop import Proof
from remit.core.oauth.logout import IdHint
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.core.tokens import AccessClaims
from remit.ports.outbound import NOWHERE, Fetcher
from remit.ports.work import Database


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the time in UTC."""
        ...


class Fresh(Protocol):
    """New ids and secrets, from the operating system's randomness."""

    def id(self, prefix: Prefix) -> str: ...
    def ordinal(self) -> str:
        """Return a time-ordered id without a prefix."""
        ...

    def opaque(self, kind: SecretKind, *, id: str | None = None) -> Opaque: ...
    def random(self, length: int) -> bytes:
        """Return bytes that nobody can guess."""
        ...


class Digester(Protocol):
    """Keyed digests of machine secrets: HMAC-SHA-256 under the server's pepper, apart for each kind."""

    def digest(self, opaque: Opaque) -> bytes: ...
    def matches(self, opaque: Opaque, digest: bytes) -> bool:
        """Compare in constant time."""
        ...

    def tag(self, purpose: str, *parts: str) -> str:
        """Return an unguessable tag over the parts, for anti-forgery tokens and binding cookies."""
        ...


class Sealer(Protocol):
    """Authenticated encryption. `context` is the associated data: what is sealed opens only there."""

    def seal(self, plain: bytes, *, context: Sequence[str]) -> bytes: ...
    def unseal(self, sealed: bytes, *, context: Sequence[str]) -> bytes | None: ...
    def seal_for_bearer(self, plain: str, bearer: Opaque) -> bytes:
        """Seal so that only somebody who shows `bearer` again can have it opened."""
        ...

    def unseal_for_bearer(self, sealed: bytes, bearer: Opaque) -> str | None: ...


class Passwords(Protocol):
    """argon2id for people, off the event loop and bounded."""

    async def hash(self, password: str) -> str: ...
    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; with None it takes as long and answers False, so that nobody learns who exists."""
        ...


class Keyring(Protocol):
    """Signing and checking with a tenant's keys. Keys are passed in as stored; parsed ones are kept."""

    def create(self, tenant: Tenant, use: KeyUse, alg: str, *, now: datetime) -> SigningKey: ...
    def sign_access(self, tenant: Tenant, keys: Sequence[SigningKey], claims: AccessClaims) -> str: ...
    def sign_id(
        self, tenant: Tenant, keys: Sequence[SigningKey], alg: str, claims: dict[str, object], *, access_token: str
    ) -> str: ...
    def active_kid(self, keys: Sequence[SigningKey], use: KeyUse, alg: str) -> str: ...
    def read_access(
        self, tenant: Tenant, keys: Sequence[SigningKey], token: str, *, now: datetime
    ) -> dict[str, object] | None:
        """Return the claims of one of our own access tokens if signature, type, issuer and times hold, with `kid`."""
        ...

    def issuer_of(self, token: str) -> str | None:
        """Return what a signed token says its issuer is. Nothing of it is proven."""
        ...

    def sign_logout(self, tenant: Tenant, keys: Sequence[SigningKey], alg: str, claims: dict[str, object]) -> str:
        """Sign a logout token (OIDC Back-Channel Logout §2.4)."""
        ...

    def read_hint(self, tenant: Tenant, keys: Sequence[SigningKey], token: str) -> IdHint | None:
        """Return what one of our own id tokens says, however old it and its key are (OIDC Core §3.1.2.1)."""
        ...

    def jwks(self, keys: Sequence[SigningKey]) -> dict[str, object]:
        """Return the public keys that verify tokens now or soon (GEN-17)."""
        ...

    def flaw_of_jwks(self, jwks: str) -> str | None:
        """Say what keeps a client's JSON Web Key Set from ever verifying an assertion; None when nothing does."""
        ...

    def kids_of(self, jwks: str) -> tuple[str, ...]:
        """Return the kid of every key of a client's key set; empty where one has none."""
        ...

    def check_assertion(
        self, assertion: str, jwks: str, *, issuer: str, client: str, now: datetime
    ) -> Assertion | Refusal:
        """Check a private_key_jwt client assertion (RFC 7523 §3, CA-3..7)."""
        ...

    def read_proof(self, proof: str) -> Proof | Refusal:
        """Read a DPoP proof and check that the key in it signed it (RFC 9449 §4.3). Nobody has judged what it says."""
        ...

    def check_request_object(
        self, signed: str, jwks: str, *, issuer: str, client: str, now: datetime
    ) -> RequestObject | Refusal:
        """Check a signed authorization request (RFC 9101 §6, JAR-1..3)."""
        ...

    def sign_note(self, tenant: Tenant, keys: Sequence[SigningKey], body: bytes) -> tuple[bytes, bytes]:
        """Sign audit checkpoint bytes with Ed25519; return (raw public key, signature)."""
        ...

    def note_keys(self, tenant: Tenant, keys: Sequence[SigningKey]) -> tuple[bytes, ...]:
        """Return the raw public half of every audit key the tenant ever had, taken from what is sealed."""
        ...

    def verify_note(self, public: bytes, body: bytes, signature: bytes) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A client assertion that proved itself; `jti` must still be claimed once until `expires_at`."""

    jti: str
    expires_at: datetime
    key: str
    """The kid of the key that signed it; empty where the key has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestObject:
    """An authorization request under its client's signature. With a `jti` it is answered once."""

    claims: Mapping[str, object]
    jti: str | None
    key: str
    """The kid of the key that signed it; empty where the key has none."""


class Throttle(Protocol):
    """Counts tries of something by somebody; losing the counts costs speed, never safety."""

    def allow(self, what: str, who: str, *, limit: int, per_seconds: int, now: datetime) -> int:
        """Count a try. Return 0 when it is allowed, else the seconds to wait."""
        ...

    def wait(self, what: str, who: str, *, limit: int, per_seconds: int, now: datetime) -> int:
        """Return what `allow` would say, without counting a try."""
        ...


class Uses(Protocol):
    """Notes that a credential was used, beside the request; the worker writes down what was noted."""

    def note(self, tenant: TenantId, holder: str, credential: str, *, at: datetime) -> None: ...
    def take(self) -> Mapping[TenantId, Sequence[Use]]:
        """Return what was noted since the last time, and forget it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationLimits:
    """Whether and how often clients may register themselves, from the settings."""

    mode: str = "open"
    """`open`: in tenants that have a remit for such clients. `token`: there, with a token. `off`: nowhere."""
    quota: int = 200
    per_peer: int = 30
    documents: bool = True
    """Client ID metadata documents are read, in tenants that have such a remit."""
    document_bytes: int = 5120


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """Everything a use case may touch."""

    db: Database
    base_url: str
    """What the instance was made for; what every issuer begins with."""
    clock: Clock
    fresh: Fresh
    digester: Digester
    sealer: Sealer
    passwords: Passwords
    keyring: Keyring
    throttle: Throttle
    uses: Uses
    lifetimes: Lifetimes = USUAL
    registration: RegistrationLimits = RegistrationLimits()
    outbound: Fetcher = NOWHERE
    dpop_nonces: bool = False
    """Whether a DPoP proof must hold a nonce of ours (RFC 9449 §8)."""


__all__ = [
    "Assertion",
    "Clock",
    "Database",
    "Deps",
    "Digester",
    "Fetcher",
    "Fresh",
    "Keyring",
    "Lifetimes",
    "Passwords",
    "RegistrationLimits",
    "RequestObject",
    "Sealer",
    "Secret",
    "Throttle",
    "Uses",
]
