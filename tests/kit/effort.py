"""How much work a test of chance may do: little in every run, much where somebody asked for the long ones."""

from __future__ import annotations

import gc
import random
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, seed, settings

EFFORTS = ("short", pytest.param("long", marks=pytest.mark.long))
"""What a test names that exists twice: once small in `make test`, once at full size in `make test-long`."""

PATIENCE = 1.0
"""Seconds of processor time after which a reader hangs. Real time says nothing on a machine with other work."""

_NOTHING_TO_WARN_OF = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How large a test is this time. `scale` shrinks the long ones; the seed makes them the same again."""

    long: bool
    scale: float
    seed: int

    def size(self, short: int, long: int) -> int:
        return max(1, round(long * self.scale)) if self.long else short

    def run(self, short: int, long: int, *givens: Any, **named: Any) -> Callable[[Callable[..., None]], None]:
        """Run the law below, at once: the same examples in every short run, seeded ones in a long run."""
        from hypothesis import given

        chosen = settings(
            max_examples=self.size(short, long),
            deadline=None,
            derandomize=not self.long,
            database=None,
            print_blob=True,
            suppress_health_check=_NOTHING_TO_WARN_OF,
        )

        def decorate(law: Callable[..., None]) -> None:
            ready = chosen(given(*givens, **named)(law))
            (seed(self.seed)(ready) if self.long else ready)()

        return decorate

    def random(self) -> random.Random:
        return random.Random(self.seed)


class Hung(Exception):
    """A reader took longer than anybody would wait."""


@contextmanager
def watched(seconds: float = PATIENCE) -> Iterator[None]:
    """End what computes for longer, wherever it is. The collector rests: it would go through what Hypothesis keeps."""

    def bark(*_: object) -> None:
        raise Hung(f"still computing after {seconds} s of processor time")

    before = signal.signal(signal.SIGPROF, bark)
    collecting = gc.isenabled()
    gc.disable()
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        if collecting:
            gc.enable()
