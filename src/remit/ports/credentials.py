"""The part of the store that knows when a credential was last used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from remit.core.credentials import Use


class Credentials(Protocol):
    async def used(self, uses: Sequence[Use]) -> None: ...
    async def last_used(self, holder: str) -> dict[str, datetime]:
        """Return when each credential of a client or resource was last used."""
        ...
