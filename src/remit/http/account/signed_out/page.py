"""View model of the page after signing out."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, Onward


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOutPage:
    frame: Frame
    sign_in: str
    """Where to sign in again."""
    agents_still_work: bool
    """Whether agents go on that were allowed to act while the user is away."""
    onward: Onward | None = None
    """Where the client that asked for this wants the browser to go, which nobody here has checked."""
