"""Events of who and what there is: tenants, people, resources, agents and clients, from first day to last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from remit.core.audit.form import Event, Outcome


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
class TenantAdmissionChanged(Event):
    """Whose documents are read from now on."""

    type: ClassVar[str] = "tenant.admission_changed"
    registration: str
    documents: str
    hosts: tuple[str, ...]
    same_origin: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantAskingChanged(Event):
    """Whether every client has to push its requests, and whether devices may ask by a code, from now on."""

    type: ClassVar[str] = "tenant.asking_changed"
    require_pushed: bool
    device_flow: bool


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
class LogoutDelivered(Event):
    """A client was told that a login session is over, and took it (OIDC Back-Channel Logout)."""

    type: ClassVar[str] = "logout.delivered"
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutFailed(Event):
    """A client could not be told, and is not told any more."""

    type: ClassVar[str] = "logout.failed"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    tries: int
    reason: str


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
    dpop_bound: bool = False


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
    document: str | None = None
    """The URL of the document that describes it, where it came by one."""
    token: str | None = None
    """The initial access token that let it register, where it took one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialTokenAdded(Event):
    type: ClassVar[str] = "initial_token.added"
    token: str
    note: str
    uses: int
    expires_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InitialTokenEnded(Event):
    type: ClassVar[str] = "initial_token.ended"
    token: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationRefused(Event):
    type: ClassVar[str] = "client.registration_refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    code: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRefused(Event):
    """A client came by the URL of a document that was not read or not believed. Only the host is told of the URL."""

    type: ClassVar[str] = "client.document_refused"
    outcome: ClassVar[Outcome] = Outcome.REFUSED
    host: str
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
