"""View model of the tabs that show one agent's events: what it did, and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import AgentHead, EventRow, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLogPage:
    """Forms: Stop and Resume of the head."""

    frame: Frame
    head: AgentHead
    history: bool
    """What was done to it; else what it did."""
    rows: tuple[EventRow, ...]
    audit_href: str
    older: str = ""
    newer: str = ""
