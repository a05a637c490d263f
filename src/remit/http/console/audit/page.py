"""View model of the audit list."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import EventRow, Frame, Integrity


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """What the list is narrowed to; empty fields narrow nothing."""

    type: str = ""
    outcome: str = ""
    user: str = ""
    agent: str = ""
    client: str = ""
    about: str = ""
    """The id of a token, line, grant or stop: everything that speaks of it."""

    @property
    def any(self) -> bool:
        return bool(self.type or self.outcome or self.user or self.agent or self.client or self.about)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Form by GET to `action`: `type`, `outcome`, `user`, `agent`, `client`, `about`. Nothing posts."""

    frame: Frame
    action: str
    filter: AuditFilter
    types: tuple[str, ...]
    """Every event type, for the picker."""
    rows: tuple[EventRow, ...]
    integrity: Integrity
    older: str = ""
    newer: str = ""

    @property
    def outcomes(self) -> tuple[str, ...]:
        return ("ok", "refused", "denied", "alarm")
