"""View model of the table of agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRow:
    name: str
    href: str
    state: str
    """active, stopped, staged or retired."""
    owner: str
    """Empty when nobody owns it yet."""
    purpose: str
    auth: tuple[str, ...]
    """How its clients authenticate, as registered (RFC 7591 `token_endpoint_auth_method`)."""
    granted: int
    used: int
    last_seen: datetime | None
    stop: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentsPage:
    """Forms: Stop or Resume in each row, with `csrf` only."""

    frame: Frame
    chips: tuple[Link, ...]
    """Filters; the first shows everything."""
    rows: tuple[AgentRow, ...]
    command: str
    """The command line that registers an agent, for the empty table."""
    register: str = ""
    """Where an agent is registered; empty where nobody may."""
    narrowed: bool = False
    more: str = ""
    """Where the table goes on. What is rare may be on a later page of it."""
    back: str = ""
