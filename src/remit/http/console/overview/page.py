"""View model of the overview."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, Integrity, StopTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One line of the checklist that stays until everything is done."""

    title: str
    done: bool
    href: str = ""
    command: str = ""
    """A command line that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedScope:
    """What agents were denied most often in the last 24 hours."""

    scope: str
    agent: str
    reason: str
    count: int
    href: str
    """The audit list filtered to these events."""
    stop: StopTarget | None = None
    """The agent, while nobody has stopped it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopInForce:
    target_kind: str
    target: str
    by: str
    reason: str
    since: datetime
    until: datetime | None
    resume: str = ""
    """Action of the Resume form; empty where a stop is final."""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewPage:
    """Forms: Resume of each stop in force, with `csrf` only."""

    frame: Frame
    steps: tuple[Step, ...]
    agents: int
    grants: int
    calls: int
    denials: int
    denied: tuple[DeniedScope, ...]
    stops: tuple[StopInForce, ...]
    integrity: Integrity
    agents_href: str
    grants_href: str
    audit_href: str
    denials_href: str
    partial: bool = False
    """The last 24 hours hold more than was counted."""
    more_agents: bool = False
    more_grants: bool = False
    """There are more than were counted."""

    @property
    def steps_done(self) -> int:
        return sum(step.done for step in self.steps)
