"""View model of what agents did for this user."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """One thing that happened, in words of the user's own pages: no ids, no links into the console."""

    at: datetime
    summary: str
    agent: str
    resource: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """Nothing posts."""

    frame: Frame
    back: str
    chips: tuple[Link, ...]
    rows: tuple[ActivityRow, ...]
    older: str = ""
    newer: str = ""
