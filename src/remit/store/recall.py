"""What authority is read from, remembered between works: parties, resources, grants, keys, people, stops.

INVARIANT: the rows of a tenant that are remembered are a function of its *stamp*. Whoever changes one draws a new stamp
in the same transaction (`Statements` does it, for every statement that writes), and a work reads the stamp before it
believes anything. So no commit anywhere is missed, on this node or on another. A stamp is random and never comes again:
not after a roll-back, a restored backup or a fail-over that lost commits.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Hashable
from enum import IntEnum
from functools import cache
from typing import Final

from remit.core.names import TenantId

VOLATILE: Final = frozenset(
    {
        "agent_usage",
        "audit_tree",
        "checkpoint",
        "client_reading",
        "code",
        "credential_use",
        "decision_report",
        "device_request",
        "event",
        "event_tally",
        "line",
        "login_session",
        "logout_notice",
        "once",
        "pushed_request",
        "recovery_code",
        "refresh_token",
        "reply",
        "scope_usage",
        "second_factor",
    }
)
"""Tables that are written all the time. Nothing of them is remembered."""

OLDEST_SECONDS: Final = 10.0
"""How long something is believed at most: after that a change that was made past Remit, by hand, is felt, too."""

KEPT: Final = 8192
"""Items of each kind, of all tenants together."""

# The counter of stops stands in the tenant's row, and is all that an update which begins with it may write.
_COUNTER = re.compile(r"\s*update\s+tenant\s+set\s+epoch\s*=\s*epoch\s*\+\s*1\s+where\b", re.IGNORECASE)
_WRITTEN = re.compile(r"\b(?:insert\s+into|delete\s+from|(?<!for )update)\s+(?!set\b)(\w+)", re.IGNORECASE)


class Change(IntEnum):
    """What a statement does to what is remembered."""

    NONE = 0
    STOPS = 1
    AUTHORITY = 2


@cache
def change_of(sql: str) -> Change:
    """Tell what a statement changes. A table that nobody has thought of counts as authority."""
    if _COUNTER.match(sql):
        return Change.STOPS
    written = {table.lower() for table in _WRITTEN.findall(sql)} - VOLATILE
    if not written:
        return Change.NONE
    return Change.STOPS if written == {"stop"} else Change.AUTHORITY


def new_stamp() -> int:
    return secrets.randbits(62)


class Recall:
    """Items by kind, tenant and key, each with the stamp at which it was read."""

    __slots__ = ("_kinds", "_now")

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._kinds: dict[str, dict[Hashable, tuple[Hashable, float, object]]] = {}
        self._now = now

    def get(self, kind: str, tenant: TenantId, key: Hashable, stamp: Hashable) -> tuple[object, float] | None:
        """Return an item read at this very stamp, not long ago, and when that was; None: it has to be read."""
        items = self._kinds.get(kind)
        found = items.get((tenant, key)) if items is not None else None
        if found is None or found[0] != stamp or self._now() - found[1] > OLDEST_SECONDS:
            return None
        return found[2], found[1]

    def clear(self) -> None:
        """Forget everything."""
        self._kinds.clear()

    def put(
        self, kind: str, tenant: TenantId, key: Hashable, stamp: Hashable, item: object, *, read_at: float | None = None
    ) -> None:
        """Keep an item. One that was made from others is as old as the oldest of them."""
        items = self._kinds.setdefault(kind, {})
        if len(items) >= KEPT:
            # The oldest eighth goes: whoever is still in use is read once more.
            for old in list(items)[: KEPT // 8]:
                del items[old]
        items[tenant, key] = (stamp, self._now() if read_at is None else read_at, item)
