"""Every audit event there is. One event answers who, for whom, under which approval, on what, why and from where.

The set is closed: an event type exists only as a class here, and each is described in docs/events.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from remit.core.audit.credentials import CredentialAdded, CredentialRevoked, CredentialRotated, KeyStateChanged
from remit.core.audit.form import SYSTEM, Event, Outcome, Who
from remit.core.audit.refusals import ApiRefused, PageRefused

__all__ = [
    "SYSTEM",
    "ApiRefused",
    "CredentialAdded",
    "CredentialRevoked",
    "CredentialRotated",
    "Event",
    "KeyStateChanged",
    "Outcome",
    "PageRefused",
    "Who",
]
# Whoever writes an event finds all of it here, its form too.


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantCreated(Event):
    type: ClassVar[str] = "tenant.created"
    tenant: str
    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantMoved(Event):
    type: ClassVar[str] = "tenant.moved"
    issuer: str
    before: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantLifetimesChanged(Event):
    """How long tokens and lines of the tenant live from now on. None: what the instance says."""

    type: ClassVar[str] = "tenant.lifetimes_changed"
    access_seconds: int | None
    refresh_idle_days: int | None
    refresh_absolute_days: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupFinished(Event):
    type: ClassVar[str] = "setup.finished"
    administrator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCreated(Event):
    type: ClassVar[str] = "user.created"
    subject: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserChanged(Event):
    type: ClassVar[str] = "user.changed"
    subject: str
    changed: tuple[str, ...]
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UserStateChanged(Event):
    type: ClassVar[str] = "user.state_changed"
    subject: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsChanged(Event):
    type: ClassVar[str] = "user.rights_changed"
    subject: str
    target: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn(Event):
    type: ClassVar[str] = "user.signed_in"
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRefused(Event):
    type: ClassVar[str] = "user.sign_in_refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOut(Event):
    type: ClassVar[str] = "user.signed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCreated(Event):
    type: ClassVar[str] = "resource.created"
    uri: str
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceChanged(Event):
    """A resource has another name, state, lifetime or other scopes. `changed` names the fields."""

    type: ClassVar[str] = "resource.changed"
    uri: str
    changed: tuple[str, ...]
    scopes: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCreated(Event):
    type: ClassVar[str] = "agent.created"
    name: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentStateChanged(Event):
    type: ClassVar[str] = "agent.state_changed"
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChanged(Event):
    """What an agent is called, is for, or who answers for it. `changed` names the fields."""

    type: ClassVar[str] = "agent.changed"
    changed: tuple[str, ...]
    new_owner: str | None
    new_sponsor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemitPublished(Event):
    type: ClassVar[str] = "remit.published"
    remit: str
    version: int
    scopes: tuple[str, ...]
    expires_at: str | None
    token_seconds: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCreated(Event):
    type: ClassVar[str] = "client.created"
    auth_method: str
    grant_types: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRegistered(Event):
    """A client registered itself (RFC 7591); nobody has vouched for it or for its agent."""

    type: ClassVar[str] = "client.registered"
    auth_method: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused(Event):
    type: ClassVar[str] = "client.registration_refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientChanged(Event):
    """What a client is called, where it is sent back to, what it may ask. `changed` names the fields."""

    type: ClassVar[str] = "client.changed"
    changed: tuple[str, ...]
    redirect_uris: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRetired(Event):
    type: ClassVar[str] = "client.retired"
    reason: str


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDenied(Event):
    type: ClassVar[str] = "consent.denied"
    outcome: ClassVar[Outcome] = Outcome.DENIED
    shown: tuple[str, ...]


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
    TenantLifetimesChanged,
    SetupFinished,
    UserCreated,
    UserChanged,
    UserStateChanged,
    RightsChanged,
    SignedIn,
    SignInRefused,
    SignedOut,
    ResourceCreated,
    ResourceChanged,
    AgentCreated,
    AgentStateChanged,
    AgentChanged,
    RemitPublished,
    ClientCreated,
    ClientRegistered,
    RegistrationRefused,
    ClientChanged,
    ClientRetired,
    CredentialAdded,
    CredentialRotated,
    CredentialRevoked,
    KeyStateChanged,
    AuthorizationRefused,
    ConsentGiven,
    ConsentDenied,
    GrantApproved,
    GrantNarrowed,
    TokenIssued,
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
