"""View model of the question whether to sign out, which a client brought up."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOutPage:
    """Form: `csrf`, `ix`."""

    frame: Frame
    action: str
    ix: str
    """The request, sealed."""
    client: str
    """Who brought the user here; empty where that is not known."""
    name: str
    email: str
    host: str
    """Where the browser goes afterwards; empty where it stays."""
    stay: str
    """Where the user goes who stays signed in."""
