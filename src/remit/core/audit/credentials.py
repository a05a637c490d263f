"""Events about what somebody proves himself by: secrets, keys of clients, signing keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from remit.core.audit.form import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialAdded(Event):
    """A client or resource got a secret. Only the id of the secret is told."""

    type: ClassVar[str] = "credential.added"
    holder: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRotated(Event):
    """A client or resource got a new secret or key set; the ones before it end at a time, so it can change over."""

    type: ClassVar[str] = "credential.rotated"
    holder: str
    credential: str
    replaced: tuple[str, ...]
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialRevoked(Event):
    """A secret or an earlier key set proves nothing any more, from this moment on."""

    type: ClassVar[str] = "credential.revoked"
    holder: str
    credential: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorAdded(Event):
    """A user signs in with an authenticator app beside his password from now on."""

    type: ClassVar[str] = "second_factor.added"
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactorRemoved(Event):
    """A user signs in with his password alone again. Who took it away is who acts here, and says why."""

    type: ClassVar[str] = "second_factor.removed"
    subject: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryCodesRenewed(Event):
    type: ClassVar[str] = "second_factor.codes_renewed"
    subject: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyStateChanged(Event):
    type: ClassVar[str] = "key.state_changed"
    kid: str
    alg: str
    use: str
    state: str
