"""View model of one audit event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame


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
    json: str
    """The event's bytes exactly as they are in the tree."""
    leaf: int | None
    """Its place in the tree; None while it waits for the sequencer."""
    hash: str
    """The leaf's hash in hexadecimal; empty while it waits."""
