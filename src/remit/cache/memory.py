"""Tries counted in this process."""

from __future__ import annotations

import math
from collections import OrderedDict
from datetime import datetime
from typing import Final

MOST_KEPT: Final = 100_000


class MemoryThrottle:
    """The throttle port as a leaky bucket: one number a pair of what and who, the time at which its tries are forgiven.

    A burst of `limit` tries passes at once; after that one more each `per_seconds / limit`. Nobody waits for a window
    to turn, and nobody gets two windows' worth around its turn.
    """

    def __init__(self, *, most: int = MOST_KEPT) -> None:
        self._most = most
        self._forgiven: OrderedDict[tuple[str, str], float] = OrderedDict()

    def allow(self, what: str, who: str, *, limit: int, per_seconds: int, now: datetime) -> int:
        return self._try(what, who, limit=limit, per_seconds=per_seconds, now=now, count=True)

    def wait(self, what: str, who: str, *, limit: int, per_seconds: int, now: datetime) -> int:
        return self._try(what, who, limit=limit, per_seconds=per_seconds, now=now, count=False)

    def _try(self, what: str, who: str, *, limit: int, per_seconds: int, now: datetime, count: bool) -> int:
        if limit < 1 or per_seconds < 1:
            raise ValueError("a throttle allows at least one try in at least one second")
        at = now.timestamp()
        known = self._forgiven.get((what, who), at)
        # A clock that was set back must not lock anybody out for longer than one period.
        forgiven = min(max(known, at), at + per_seconds)
        after = forgiven + per_seconds / limit
        wait = after - at - per_seconds
        # Room for the error of adding fractions; a millisecond gives nobody a try too many.
        if wait > 1e-3:
            if count:
                self._keep((what, who), min(known, forgiven))
            return max(1, math.ceil(wait))
        if count:
            self._keep((what, who), after)
        return 0

    def _keep(self, key: tuple[str, str], forgiven: float) -> None:
        self._forgiven[key] = forgiven
        self._forgiven.move_to_end(key)
        if len(self._forgiven) > self._most:
            # Whoever was quiet longest is forgotten; he is the likeliest to be forgiven already.
            self._forgiven.popitem(last=False)
