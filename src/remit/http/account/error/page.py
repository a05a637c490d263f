"""View model of our own error page."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, Onward


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorPage:
    """Shown instead of a redirect that cannot be trusted, and for everything that broke. It never redirects."""

    frame: Frame
    title: str
    happened: str
    todo: str
    request_id: str
    code: str = ""
    """The protocol's own word for it, for whoever builds the client."""
    explained: str = ""
    """Where that word is explained."""
    back: str = ""
    back_label: str = "Go back"
    onward: Onward | None = None
    """Where the client would have been told by itself, had somebody vouched for it."""
