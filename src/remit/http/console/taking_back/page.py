"""View model of what would be taken back, before it is."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import FieldError, Frame, Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenRow:
    """One grant, and the scopes that it would hold no more."""

    user: str
    """The user's e-mail address; empty where the agent acts for itself."""
    agent: str
    agent_href: str
    client: str
    resource: Resource
    scopes: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TakingBackPage:
    """One form to `action`: `csrf`, the `hidden` fields as they are, `reason`, and `typed` where it must be `word`.

    Without `action` there is nothing to take back, or nobody may.
    """

    frame: Frame
    back: str
    trims: bool
    """Whether grants are narrowed to what was used of them; otherwise they are revoked."""
    days: int
    sought: tuple[tuple[str, str], ...]
    """What the grants were looked for by: a term and its value."""
    count: int
    more: bool
    effect: str
    users: tuple[str, ...]
    users_more: int
    agents: tuple[str, ...]
    agents_more: int
    rows: tuple[TakenRow, ...]
    nothing: str
    """Why there is nothing; empty where there is something."""
    look: str = ""
    """Action of the form by GET that counts other `days`; only where grants are trimmed."""
    hidden: tuple[tuple[str, str], ...] = ()
    action: str = ""
    word: str = ""
    reason: str = ""
    errors: tuple[FieldError, ...] = ()

    def wrong(self, name: str) -> str:
        return next((error.text for error in self.errors if error.name == name), "")
