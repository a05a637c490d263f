"""Time that stands still until a test moves it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

NOW = 1_800_000_000.0


class StillClock:
    """A clock for the SDK: waiting ends when the test has advanced far enough."""

    def __init__(self, now: float = NOW) -> None:
        self.wall = now
        self.steady = 1_000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.steady

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        entry = (self.steady + seconds, woken)
        self._sleepers.append(entry)
        try:
            await woken.wait()
        finally:
            self._sleepers.remove(entry)

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds
        for due, woken in self._sleepers:
            if due <= self.steady:
                woken.set()

    async def until(self, condition: Callable[[], object]) -> None:
        """Advance nothing, only let the others run until the condition holds (ten seconds at most)."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.001)
