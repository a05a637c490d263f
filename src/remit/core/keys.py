"""Signing keys of a tenant and the states they pass through."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from remit.core.names import Kid


class KeyUse(StrEnum):
    """What a key signs. A key has one use and one algorithm (GEN-15)."""

    ACCESS = "access"
    ID = "id"
    AUDIT = "audit"


class KeyState(StrEnum):
    """`next` is published before it signs; `retiring` verifies until the last token it signed is past."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRING = "retiring"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    kid: Kid
    alg: str
    use: KeyUse
    state: KeyState
    public: str
    """The public key as a JSON Web Key with kid, alg and use."""
    sealed: bytes = field(repr=False)
    """The private key, sealed under the master key with tenant and kid as associated data."""
    created_at: datetime
    changed_at: datetime


USES: tuple[tuple[KeyUse, str], ...] = (
    (KeyUse.ACCESS, "ES256"),
    (KeyUse.ID, "RS256"),
    (KeyUse.ID, "ES256"),
    (KeyUse.AUDIT, "Ed25519"),
)
"""Every (use, algorithm) a tenant has keys for. Access tokens are ES256, id tokens RS256 unless asked otherwise."""
