"""Lists that are paged by place, so that what is new moves nothing; and addresses with a query."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from remit.http.visits import Visit

LONGEST_TRAIL = 40
"""How many pages back the way is remembered; beyond that Newer leads to the newest."""


def trail_of(visit: Visit) -> list[int]:
    """Read the places in the log that the pages before this one began at, this one's last."""
    steps = (visit.query.one("before") or "").split(".")
    if not all(step.isascii() and step.isdecimal() and len(step) < 16 for step in steps):
        return []
    return [int(step) for step in steps][-LONGEST_TRAIL:]


def trail_url(base: str, trail: Sequence[int], **narrowed: str) -> str:
    before = ".".join(str(step) for step in trail[-LONGEST_TRAIL:])
    return with_query(base, **narrowed, before=before)


def with_query(base: str, **narrowed: str) -> str:
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in narrowed.items() if text)
    return f"{base}?{query}" if query else base
