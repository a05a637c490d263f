"""View model of the page that takes an answer to a client which asked to get it in a form."""

from __future__ import annotations

from dataclasses import dataclass, field

from remit.http._kit.views import Frame


@dataclass(frozen=True, slots=True, kw_only=True)
class PostingPage:
    """With scripts nobody sees it; without, one button takes the answer on (Form Post Response Mode §2)."""

    frame: Frame
    action: str
    fields: tuple[tuple[str, str], ...] = field(repr=False)
    """Names and values; the code is among them."""
    host: str
