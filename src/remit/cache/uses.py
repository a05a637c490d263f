"""Uses of credentials noted in this process until the worker writes them down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from remit.core.credentials import Use
from remit.core.names import TenantId

MOST_NOTED: Final = 50_000
"""Credentials whose use may wait to be written. Beyond that the use of some is told a little later."""


class MemoryUses:
    """The uses port: the last use of each credential, kept until it is taken."""

    def __init__(self, *, most: int = MOST_NOTED) -> None:
        self._most = most
        self._noted: dict[TenantId, dict[tuple[str, str], datetime]] = {}
        self._count = 0

    def note(self, tenant: TenantId, holder: str, credential: str, *, at: datetime) -> None:
        noted = self._noted.setdefault(tenant, {})
        key = (holder, credential)
        if key not in noted:
            if self._count >= self._most:
                return
            self._count += 1
        noted[key] = at

    def take(self) -> Mapping[TenantId, Sequence[Use]]:
        taken, self._noted, self._count = self._noted, {}, 0
        return {
            tenant: [Use(holder=holder, credential=credential, at=at) for (holder, credential), at in noted.items()]
            for tenant, noted in taken.items()
        }
