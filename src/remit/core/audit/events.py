"""Every audit event there is. One event answers who, for whom, under which approval, on what, why and from where.

The set is closed: an event type exists only as a class here, and each is described in docs/events.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from remit.core.audit.credentials import (
    CredentialAdded,
    CredentialRevoked,
    CredentialRotated,
    KeyStateChanged,
    RecoveryCodesRenewed,
    SecondFactorAdded,
    SecondFactorRemoved,
)
from remit.core.audit.form import SYSTEM, Event, Outcome, Who
from remit.core.audit.governing import (
    AgentChanged,
    AgentCreated,
    AgentStateChanged,
    ClientChanged,
    ClientCreated,
    ClientRegistered,
    ClientRetired,
    DocumentRefused,
    InitialTokenAdded,
    InitialTokenEnded,
    LogoutDelivered,
    LogoutFailed,
    RegistrationRefused,
    RemitPublished,
    ResourceChanged,
    ResourceCreated,
    RightsChanged,
    SetupFinished,
    SignedIn,
    SignedOut,
    SignInRefused,
    TenantAdmissionChanged,
    TenantAskingChanged,
    TenantCreated,
    TenantLifetimesChanged,
    TenantMoved,
    UserChanged,
    UserCreated,
    UserStateChanged,
)
from remit.core.audit.refusals import ApiRefused, PageRefused

__all__ = [
    "SYSTEM",
    "AgentChanged",
    "AgentCreated",
    "AgentStateChanged",
    "ApiRefused",
    "ClientChanged",
    "ClientCreated",
    "ClientRegistered",
    "ClientRetired",
    "CredentialAdded",
    "CredentialRevoked",
    "CredentialRotated",
    "DocumentRefused",
    "Event",
    "InitialTokenAdded",
    "InitialTokenEnded",
    "KeyStateChanged",
    "LogoutDelivered",
    "LogoutFailed",
    "Outcome",
    "PageRefused",
    "RecoveryCodesRenewed",
    "RegistrationRefused",
    "RemitPublished",
    "ResourceChanged",
    "ResourceCreated",
    "RightsChanged",
    "SecondFactorAdded",
    "SecondFactorRemoved",
    "SetupFinished",
    "SignInRefused",
    "SignedIn",
    "SignedOut",
    "TenantAdmissionChanged",
    "TenantAskingChanged",
    "TenantCreated",
    "TenantLifetimesChanged",
    "TenantMoved",
    "UserChanged",
    "UserCreated",
    "UserStateChanged",
    "Who",
]
# Whoever writes an event finds all of it here, its form too.


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRefused(Event):
    type: ClassVar[str] = "authorization.refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentGiven(Event):
    """A user said yes. `shown`: what the page offered; `scopes`: what he left ticked; `sentences`: what he read."""

    type: ClassVar[str] = "consent.given"
    shown: tuple[str, ...]
    scopes: tuple[str, ...]
    sentences: tuple[str, ...]
    until: str
    while_away: bool
    remembered: bool
    details: str | None = None
    """The authorization details that were approved, in canonical JSON."""
    device: str | None = None
    """The request of a device that was answered, as its `device.asked` names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDenied(Event):
    type: ClassVar[str] = "consent.denied"
    outcome: ClassVar[Outcome] = Outcome.DENIED
    shown: tuple[str, ...]
    device: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAsked(Event):
    """A device asked for authorization and got its pair of codes (RFC 8628). `target`: the resource it is about."""

    type: ClassVar[str] = "device.asked"
    device: str
    target: str
    scopes: tuple[str, ...]
    details: str | None
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantApproved(Event):
    """An administrator approved an unattended agent (client_credentials)."""

    type: ClassVar[str] = "grant.approved"
    scopes: tuple[str, ...]
    until: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantNarrowed(Event):
    type: ClassVar[str] = "grant.narrowed"
    scopes: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsRevoked(Event):
    """Grants were looked for and revoked together. `sought` says by what; each has an event of its own, too."""

    type: ClassVar[str] = "grants.revoked"
    sought: tuple[str, ...]
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsTrimmed(Event):
    """Grants were looked for and narrowed together to what was used of them in `days`."""

    type: ClassVar[str] = "grants.trimmed"
    sought: tuple[str, ...]
    count: int
    days: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssued(Event):
    type: ClassVar[str] = "token.issued"
    grant_type: str
    requested: tuple[str, ...]
    scopes: tuple[str, ...]
    removed: tuple[str, ...]
    """What each ceiling took away, as `ceiling:scope`."""
    expires_at: str
    replay: bool = False
    """A lost answer was repeated: same refresh token, new access token."""
    details: str | None = None
    """The authorization details that the token is held to, in canonical JSON."""
    bound_to: str | None = None
    """The thumbprint of the key that must be proven with the token (RFC 9449); None for a bearer token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenExchanged(TokenIssued):
    """An agent acts on for a subject (RFC 8693). `chain`: the agents, the one that was allowed first, the new one last.

    `subject_token` is the jti of the token that was shown, and `subject_resource` what that one is for.
    """

    type: ClassVar[str] = "token.exchanged"
    chain: tuple[str, ...]
    subject_token: str
    subject_resource: str
    subject_expires_at: str
    actor_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefused(Event):
    type: ClassVar[str] = "token.refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    grant_type: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReuseDetected(Event):
    """A spent or foreign secret was shown: somebody else has it. The line it belonged to is stopped."""

    type: ClassVar[str] = "token.reuse_detected"
    outcome: ClassVar[Outcome] = Outcome.ALARM
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIntrospected(Event):
    """A token was asked about and is active; told once per token and minute."""

    type: ClassVar[str] = "token.introspected"


@dataclass(frozen=True, slots=True, kw_only=True)
class StopPlaced(Event):
    type: ClassVar[str] = "stop.placed"
    outcome: ClassVar[Outcome] = Outcome.DENIED
    stop: str
    target_kind: str
    target: str
    reason: str
    until: str | None
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLifted(Event):
    type: ClassVar[str] = "stop.lifted"
    stop: str
    target_kind: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionReported(Event):
    """A guard allowed one call and told us so."""

    type: ClassVar[str] = "decision.permit"
    decision: str
    reason: str
    method: str
    path: str
    status: int
    required: tuple[str, ...]
    scopes: tuple[str, ...]
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DenialReported(DecisionReported):
    """A guard refused one call and told us so."""

    type: ClassVar[str] = "decision.deny"
    outcome: ClassVar[Outcome] = Outcome.DENIED


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalsCounted(Event):
    """Unauthenticated refusals are told once and then counted, per reason and peer and minute."""

    type: ClassVar[str] = "refusals.counted"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    reason: str
    minute: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditExported(Event):
    type: ClassVar[str] = "audit.exported"
    first: int
    last: int


EVENTS: tuple[type[Event], ...] = (
    TenantCreated,
    TenantMoved,
    TenantAdmissionChanged,
    TenantAskingChanged,
    TenantLifetimesChanged,
    SetupFinished,
    UserCreated,
    UserChanged,
    UserStateChanged,
    RightsChanged,
    SignedIn,
    SignInRefused,
    SignedOut,
    LogoutDelivered,
    LogoutFailed,
    ResourceCreated,
    ResourceChanged,
    AgentCreated,
    AgentStateChanged,
    AgentChanged,
    RemitPublished,
    ClientCreated,
    ClientRegistered,
    DocumentRefused,
    InitialTokenAdded,
    InitialTokenEnded,
    RegistrationRefused,
    ClientChanged,
    ClientRetired,
    CredentialAdded,
    CredentialRotated,
    CredentialRevoked,
    SecondFactorAdded,
    SecondFactorRemoved,
    RecoveryCodesRenewed,
    KeyStateChanged,
    AuthorizationRefused,
    ConsentGiven,
    ConsentDenied,
    DeviceAsked,
    GrantApproved,
    GrantNarrowed,
    GrantsRevoked,
    GrantsTrimmed,
    TokenIssued,
    TokenExchanged,
    TokenRefused,
    ReuseDetected,
    TokenIntrospected,
    StopPlaced,
    StopLifted,
    DecisionReported,
    DenialReported,
    RefusalsCounted,
    ApiRefused,
    PageRefused,
    AuditExported,
)
