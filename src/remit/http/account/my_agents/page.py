"""View model of My agents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.http._kit.views import Frame, HeldLine, Resource, StopNote, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCard:
    """One grant of the user, as the user thinks of it: an agent that may do something somewhere."""

    agent: str
    client: str
    owner: str
    purpose: str
    resource: Resource | None
    can: tuple[Words, ...]
    state: str
    """active, stopped, expired or revoked."""
    granted_at: datetime
    last_used: datetime | None
    expires_at: datetime | None
    held: tuple[HeldLine, ...] = ()
    """The limits that the user agreed to, where an approval is held to some."""
    effect: str = ""
    """What Stop will do, for example "Ends 2 sessions within a second."; shown beside the button."""
    stopped: StopNote | None = None
    stop: str = ""
    resume: str = ""
    """Empty where the stop is final or not the user's own."""
    change: str = ""
    """Where the Change page of this grant is."""

    @property
    def live(self) -> bool:
        return self.state == "active"


@dataclass(frozen=True, slots=True, kw_only=True)
class MyAgentsPage:
    """Forms: each card's Stop and Resume and "Stop everything", all with `csrf` only."""

    frame: Frame
    cards: tuple[AgentCard, ...]
    stop_all: str
    """Action of "Stop everything"."""
    stop_all_effect: str = ""
    before: bool = False
    """An agent worked for the user once, and none does now."""

    @property
    def live(self) -> int:
        return sum(card.live for card in self.cards)
