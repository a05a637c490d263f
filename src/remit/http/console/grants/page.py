"""View model of the table of grants."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, GrantRow, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantsFilter:
    """What the table is narrowed to; empty fields narrow nothing."""

    user: str = ""
    agent: str = ""
    client: str = ""
    resource: str = ""
    scope: str = ""
    state: str = ""
    unused: str = ""
    """Days."""

    @property
    def any(self) -> bool:
        return any((self.user, self.agent, self.client, self.resource, self.scope, self.state, self.unused))


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
    revoke_all: str = ""
    """Where all that the filter finds can be revoked; empty where it finds everything or nobody may."""
    trim_all: str = ""

    @property
    def states(self) -> tuple[str, ...]:
        return ("active", "stopped", "expired", "revoked")
