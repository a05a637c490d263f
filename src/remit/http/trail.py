"""Lists that are paged by place, so that what is new moves nothing; and addresses with a query."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from remit.http.visits import Visit

LONGEST_TRAIL = 40
"""How many pages back the way is remembered; beyond that it leads to the first."""

_PLACE: Final = re.compile(r"[0-9]{1,15}")
_ID: Final = re.compile(r"[a-z]{3}_[0-9a-z]{1,40}")


def trail_of(visit: Visit) -> list[int]:
    """Read the places in the log that the pages before this one began at, this one's last."""
    return [int(step) for step in _steps(visit, _PLACE)]


def id_trail_of(visit: Visit) -> list[str]:
    """Read the ids that the pages before this one began at, this one's last."""
    return _steps(visit, _ID)


def _steps(visit: Visit, each: re.Pattern[str]) -> list[str]:
    steps = (visit.query.one("before") or "").split(".")
    return steps[-LONGEST_TRAIL:] if all(each.fullmatch(step) for step in steps) else []


def trail_url(base: str, trail: Sequence[int | str], **narrowed: str) -> str:
    before = ".".join(str(step) for step in trail[-LONGEST_TRAIL:])
    return with_query(base, **narrowed, before=before)


def with_query(base: str, **narrowed: str) -> str:
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in narrowed.items() if text)
    return f"{base}?{query}" if query else base
