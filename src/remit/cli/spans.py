"""Spans of time as people type them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from remit.cli.exits import USAGE
from remit.cli.here import end

_SPAN = re.compile(r"([1-9][0-9]{0,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=3660)


def read_span(text: str) -> timedelta:
    """Read a span such as 30s, 15m, 4h, 2d or 1w.

    Raises:
        Ended: it is none, or longer than ten years.
    """
    found = _SPAN.fullmatch(text)
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None
    if span is None or span > _LONGEST:
        raise end(f"`{text}` is no span of time: write 30s, 15m, 4h, 2d or 1w, up to ten years", USAGE)
    return span


def days_of(text: str) -> int:
    """Read a span as whole days.

    Raises:
        Ended: it is none, or not of whole days.
    """
    span = read_span(text)
    if span % timedelta(days=1):
        raise end(f"`{text}` is not a span of whole days: write 30d or 4w", USAGE)
    return span.days


def one_of_both(token_seconds: int | None, *, as_tenant: bool) -> None:
    """Refuse a lifetime that is both given and left to the tenant, or neither."""
    if (token_seconds is None) != as_tenant:
        raise end("say how long with --token-seconds, or leave it to the tenant with --as-tenant", USAGE)


def end_of(text: str | None, *, now: datetime) -> datetime | None:
    """Return when a span that begins now is over; None for no span."""
    return None if text is None else now + read_span(text)
