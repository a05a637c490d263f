"""View model of the table of grants."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, GrantRow, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsFilter:
    """What the table is narrowed to; empty fields narrow nothing."""

    user: str = ""
    agent: str = ""
    resource: str = ""
    scope: str = ""
    state: str = ""

    @property
    def any(self) -> bool:
        return bool(self.user or self.agent or self.resource or self.scope or self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsPage:
    """Form by GET to `action`: the fields of the filter. Revoke in each row posts `csrf` only."""

    frame: Frame
    tabs: tuple[Link, ...]
    action: str
    filter: GrantsFilter
    rows: tuple[GrantRow, ...]
    older: str = ""
    newer: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        return ("active", "stopped", "expired", "revoked")
