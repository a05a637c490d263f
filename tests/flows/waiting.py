"""Waiting for something to become true, bounded in time."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 20.0
PAUSE = 0.005


def until(holds: Callable[[], bool], what: str, *, seconds: float = PATIENCE) -> float:
    """Look until a condition holds; return the seconds that it took."""
    began = time.monotonic()
    while not holds():
        waited = time.monotonic() - began
        assert waited < seconds, f"after {waited:.2f} s still not: {what}"
        time.sleep(PAUSE)
    return time.monotonic() - began
