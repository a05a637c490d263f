"""View model of one audit event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, StopTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One link of the chain. `kind` is user, agent, client, resource or empty and chooses the glyph."""

    term: str
    """Who, For whom, Under which approval, On what, From where ..."""
    text: str
    id: str = ""
    kind: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One thing the event stands on. `href` opens its own event, `all_href` everything that speaks of it."""

    kind: str
    id: str
    said: str
    at: datetime
    href: str = ""
    all_href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStop:
    """A stop on somebody in the chain."""

    what: str
    by: str
    reason: str
    since: datetime
    in_force: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPage:
    """Nothing posts."""

    frame: Frame
    back: str
    id: str
    type: str
    outcome: str
    at: datetime
    why: str
    """One plain sentence that answers: why did this happen?"""
    chain: tuple[Fact, ...]
    steps: tuple[Stand, ...]
    stops: tuple[ChainStop, ...]
    json: str
    """The event's bytes exactly as they are in the tree."""
    leaf: int | None
    """Its place in the tree; None while it waits for the sequencer."""
    hash: str
    """The leaf's hash in hexadecimal; empty while it waits."""
    stop: StopTarget | None = None
    """The agent behind it, while nobody has stopped it."""
