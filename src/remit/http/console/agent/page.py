"""View model of one agent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import EventRow, Frame, GrantRow, Resource, StopNote


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeUse:
    """One scope of the remit, whether somebody granted it and whether the agent used it."""

    name: str
    sentence: str
    risk: str
    granted: bool
    last_used: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemitOnResource:
    resource: Resource
    scopes: tuple[ScopeUse, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientRow:
    id: str
    name: str
    auth: str
    redirects: tuple[str, ...]
    registered: str
    """How it came here: by an administrator, self-registered ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPage:
    """Forms: `stop` and `resume` with `csrf` (and `reason` for stop), Revoke of each grant with `csrf` only."""

    frame: Frame
    back: str
    id: str
    name: str
    state: str
    purpose: str
    owner: str
    sponsor: str
    role: str
    model: str
    created_at: datetime
    last_seen: datetime | None
    effect: str
    """What Stop will do, for example "Ends 4 sessions, 2 users affected."."""
    remit_version: int
    remit_expires_at: datetime | None
    remit: tuple[RemitOnResource, ...]
    clients: tuple[ClientRow, ...]
    grants: tuple[GrantRow, ...]
    activity: tuple[EventRow, ...]
    activity_href: str
    stopped: StopNote | None = None
    stop: str = ""
    resume: str = ""
