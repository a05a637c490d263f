"""Clients: how an agent speaks OAuth, and how each proves itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from remit.core.agents import Agent, Remit
from remit.core.names import AgentId, ClientId, ResourceId


class ClientState(StrEnum):
    ACTIVE = "active"
    RETIRED = "retired"
    EXPIRED = "expired"
    """It registered itself, and nobody allowed it anything for a day."""


class AuthMethod(StrEnum):
    """Registered `token_endpoint_auth_method` (RFC 7591 §2). Basic and post count as one (docs/divergences.md)."""

    NONE = "none"
    SECRET_BASIC = "client_secret_basic"
    SECRET_POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


class GrantType(StrEnum):
    """The grant types that exist here (RFC 6749, RFC 8693, RFC 8628). A client lists those it may use."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logout:
    """Where a client sends people who signed out, and where it is told of a sign-out itself.

    In registrations: `post_logout_redirect_uris` (OIDC RP-Initiated Logout §3.1), `backchannel_logout_uri` and
    `backchannel_logout_session_required` (OIDC Back-Channel Logout §2.2).
    """

    redirect_uris: tuple[str, ...] = ()
    backchannel_uri: str | None = None
    backchannel_session: bool = False


NO_LOGOUT = Logout()


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    id: ClientId
    agent: AgentId
    name: str
    auth_method: AuthMethod
    application_type: str
    redirect_uris: tuple[str, ...]
    grant_types: frozenset[GrantType]
    default_resource: ResourceId | None
    default_scopes: frozenset[str]
    jwks: str | None
    """The client's public keys as a JSON Web Key Set, for private_key_jwt."""
    self_registered: bool
    version: int
    """Raised when redirect URIs, keys or the name change; remembered consent is keyed to it (CON-3)."""
    id_token_alg: str
    state: ClientState
    created_at: datetime
    jwks_at: datetime | None = None
    """When the keys were last replaced; None while they are the first ones."""
    old_jwks: str | None = None
    """The keys before a rotation, which still prove the client until `old_jwks_until`."""
    old_jwks_until: datetime | None = None
    require_pushed: bool = False
    """Registered `require_pushed_authorization_requests`: it asks by pushing, and in no other way (RFC 9126 §6)."""
    require_signed: bool = False
    """Registered `require_signed_request_object`: it asks by what it signed (RFC 9101 §10.5)."""
    dpop_bound: bool = False
    """Registered `dpop_bound_access_tokens`: it gets no token that is not bound to its key (RFC 9449 §5.2)."""
    document: str | None = None
    """The URL of the document that describes it, which is its client id towards everybody outside (CIMD)."""
    home: str | None = None
    """Its `client_uri`: where it says that it can be read about."""
    details_types: frozenset[str] = frozenset()
    """Registered `authorization_details_types`: no others may stand in its requests (RFC 9396 §10)."""
    logout: Logout = NO_LOGOUT

    @property
    def wire_id(self) -> str:
        """Return its client id as requests and tokens say it."""
        return self.document or self.id

    @property
    def public(self) -> bool:
        return self.auth_method is AuthMethod.NONE

    def old_keys(self, now: datetime) -> str | None:
        """Return the keys before the last rotation while they still prove the client."""
        return self.old_jwks if self.old_jwks_until is not None and now < self.old_jwks_until else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """Who speaks at the token endpoint: a client, its agent, and the agent's remit if one is active."""

    client: Client
    agent: Agent
    remit: Remit | None
