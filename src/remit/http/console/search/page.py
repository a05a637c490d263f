"""View model of what was searched for."""

from __future__ import annotations

from dataclasses import dataclass

from remit.http._kit.views import Frame, Link, StopNote, StopTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class HitRow:
    """Something that is called so. `stop` is whom the Stop beside it stops; None where nobody can be stopped."""

    kind: str
    name: str
    id: str
    href: str
    state: str
    note: StopNote | None = None
    stop: StopTarget | None = None
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """Form by GET to `action`: `q`. Stop of each row posts to the frame's `stop`."""

    frame: Frame
    action: str
    text: str
    hits: tuple[HitRow, ...]
    more: tuple[Link, ...]
    """Lists that are narrowed to this word."""
