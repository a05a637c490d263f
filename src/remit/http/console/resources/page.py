"""View model of the catalogue of resources and scopes."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import CredentialRow, Frame, Link, StopTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeRow:
    name: str
    sentence: str
    risk: str
    sensitive: bool
    agents: tuple[Link, ...]
    """Agents whose remit has it."""
    more: int
    """How many agents besides those named."""
    grants: int
    grants_href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCard:
    name: str
    uri: str
    state: str
    token_seconds: int | None
    dpop_bound: bool
    own: bool
    scopes: tuple[ScopeRow, ...]
    credentials: tuple[CredentialRow, ...]
    server: Link | None = None
    """The agent that answers there."""
    roll: str = ""
    """Action of the form that gives it a new secret."""
    stop: StopTarget | None = None
    """It, while nobody has stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcesPage:
    """Forms: Roll of each resource and Revoke of each secret, with `csrf` only."""

    frame: Frame
    tabs: tuple[Link, ...]
    cards: tuple[ResourceCard, ...]
    command: str
    partial: bool = False
    """There are more agents or grants than were counted."""
    more: str = ""
    back: str = ""
