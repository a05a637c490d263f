"""P11: how soon a server on an existing file answers, and what it holds of memory then."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from bench import servers
from bench.report import Line, Target

TRIALS = 5


def measure() -> Iterator[Line]:
    """Yield the time to the first answer and the memory at rest."""
    seconds, mebibytes = [], []
    with servers.remit() as (server, _):
        for _ in range(TRIALS):
            server.end()
            began = time.perf_counter()
            server.start()
            seconds.append(time.perf_counter() - began)
            mebibytes.append(_resident(server.pid))
    median = statistics.median(seconds)
    yield Line(name="P11 first answer after start", value=median, unit="s", target=Target(at_most=0.6))
    yield Line(name="P11 memory at rest", value=max(mebibytes), unit="MiB", target=Target(at_most=70))


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) / 1024
