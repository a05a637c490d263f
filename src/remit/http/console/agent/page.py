"""View model of one agent: the summary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import AgentHead, Frame, GrantRow


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPage:
    """Forms: Stop and Resume of the head, Revoke of each grant with `csrf` only."""

    frame: Frame
    head: AgentHead
    purpose: str
    owner: str
    sponsor: str
    role: str
    model: str
    created_at: datetime
    last_seen: datetime | None
    granted: int
    used: int
    """Of the scopes that were granted."""
    remit_version: int
    remit_scopes: int
    remit_expires_at: datetime | None
    token_seconds: int | None
    dpop_bound: bool
    grants: tuple[GrantRow, ...]
