"""The clock port: wall time for claims, steady time for ages, and waiting."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What the SDK knows about time; tests bring their own."""

    def now(self) -> float:
        """Seconds since 1970, comparable with `exp` and `iat`."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for ages and bounds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
