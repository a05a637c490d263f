"""View model of what the clients of one agent prove themselves by."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import AgentHead, CredentialRow, Frame, StopTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCard:
    id: str
    name: str
    auth: str
    redirects: tuple[str, ...]
    sign_outs: tuple[str, ...]
    """Where it sends people who signed out, and where it is told of it."""
    registered: str
    """How it came here: by an administrator, or by itself."""
    document: str
    """The URL at which it describes itself; empty where it does not."""
    state: str
    credentials: tuple[CredentialRow, ...]
    bound: bool = False
    """It gets only tokens that are bound to its key (DPoP)."""
    stop: StopTarget | None = None
    """It, while nobody has stopped it."""
    roll: str = ""
    """Action of the form that gives it a new secret; empty where it has none or nobody may."""
    keys: str = ""
    """Action of the form that replaces its public keys: `jwks` and `overlap`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCredentialsPage:
    """Forms: Roll of each client and Revoke of each credential, with `csrf` only."""

    frame: Frame
    head: AgentHead
    clients: tuple[ClientCard, ...]
