"""The log as the services see it: events, what guards reported, and the tree behind both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from remit.core.agents import ScopeKey
from remit.core.audit.events import Event
from remit.core.grants import Grant
from remit.core.names import AgentId, EventId, GrantId


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """An event as it lies in the log: its place in the tree and the exact bytes that were hashed."""

    seq: int
    id: EventId
    type: str
    at: datetime
    outcome: str
    body: bytes


class Kind(StrEnum):
    """Two halves of a log: what agents did (tokens and calls), and what changed."""

    ANY = "any"
    CALLS = "calls"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What to look for. None means anything; ids match the event's own columns."""

    type: str | None = None
    outcome: str | None = None
    user: str | None = None
    agent: str | None = None
    client: str | None = None
    grant: str | None = None
    line: str | None = None
    jti: str | None = None
    kind: Kind = Kind.ANY
    since: datetime | None = None
    until: datetime | None = None


class Events(Protocol):
    async def append(self, event: Event, *, at: datetime) -> EventId:
        """Write the event in this transaction; it becomes a leaf of the tree before anybody is answered."""
        ...

    async def tally(self, event: Event, *, reason: str, at: datetime) -> None:
        """Write the event the first time in a minute for its reason and peer, and count it after that."""
        ...

    async def page(self, wanted: EventFilter, *, before: int | None = None, limit: int = 50) -> tuple[StoredEvent, ...]:
        """Return events newest first, those before a sequence number."""
        ...

    async def after(self, seq: int, *, limit: int = 500) -> tuple[StoredEvent, ...]:
        """Return events oldest first, those after a sequence number (-1: from the start)."""
        ...

    async def get(self, event: EventId) -> StoredEvent | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """When and how often a scope of a grant was used, as the guards reported."""

    grant: GrantId
    scope: str
    count: int
    denied: int
    last_at: datetime


class Decisions(Protocol):
    async def fresh(self, ids: Sequence[str], *, at: datetime) -> frozenset[str]:
        """Remember these report ids; return those not seen before (reports are idempotent)."""
        ...

    async def count(self, grant: GrantId, scope: str, *, permitted: bool, at: datetime) -> None: ...
    async def usage(self, grants: Sequence[GrantId]) -> tuple[Usage, ...]: ...
    async def used(self, grant: Grant, scope: str, *, at: datetime) -> None:
        """Remember, to the minute, that the agent of a grant used a scope."""
        ...

    async def used_by(self, agent: AgentId) -> dict[ScopeKey, datetime]:
        """Return what an agent ever used, under whichever grant, and when it last did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    size: int
    root: bytes


class AuditLog(Protocol):
    """The tree behind the events: what verification and checkpoints need."""

    async def leaves(self, start: int, *, limit: int = 1000) -> tuple[tuple[int, bytes, bytes], ...]:
        """Return (index, stored event bytes, stored leaf hash) in order."""
        ...

    async def tree(self) -> TreeState: ...
    async def checkpoints(self) -> tuple[tuple[int, str], ...]:
        """Return (size, signed note) in order of size."""
        ...

    async def signed(self) -> int:
        """Return how many entries the newest checkpoint covers; 0 when there is none."""
        ...

    async def newest(self) -> str | None:
        """Return the newest checkpoint, a signed note."""
        ...

    async def add_checkpoint(self, size: int, note: str, *, at: datetime) -> bool: ...
