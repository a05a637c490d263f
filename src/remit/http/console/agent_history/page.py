"""View model of the history of one agent."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import AgentHead, EventRow, Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHistoryPage:
    """Forms: Stop and Resume of the head."""

    frame: Frame
    head: AgentHead
    rows: tuple[EventRow, ...]
    audit_href: str
    older: str = ""
    newer: str = ""
