"""Stops: the act of refusing from now on, with target, reason, actor and perhaps an end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from remit.core.names import StopId


class TargetKind(StrEnum):
    """What can be stopped (REV-8)."""

    TOKEN = "token"
    LINE = "line"
    GRANT = "grant"
    AGENT = "agent"
    CLIENT = "client"
    USER = "user"
    TENANT = "tenant"
    RESOURCE = "resource"
    KID = "kid"
    SESSION = "session"


RESUMABLE = frozenset({TargetKind.AGENT, TargetKind.CLIENT, TargetKind.USER, TargetKind.TENANT, TargetKind.RESOURCE})
"""Only these can be lifted or run out. On everything else a stop is a revocation and final."""


class Target(NamedTuple):
    kind: TargetKind
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """A stop row. `epoch` is the tenant's counter after this stop; tokens issued below it are refused for ever."""

    id: StopId
    target: Target
    reason: str
    actor_kind: str
    actor: str
    started_at: datetime
    ends_at: datetime | None
    lifted_at: datetime | None
    lifted_by: str | None
    epoch: int

    def in_force(self, now: datetime) -> bool:
        """Compare times; no job has to run for a stop to begin or end."""
        return self.lifted_at is None and (self.ends_at is None or now < self.ends_at)
