"""What a run prints and keeps: one line a measurement, beside its target, with the machine it was taken on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a value is to reach, from one side."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        low = self.at_least is None or value >= self.at_least
        return low and (self.at_most is None or value <= self.at_most)

    def __str__(self) -> str:
        return f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measurement."""

    name: str
    value: float
    unit: str
    target: Target
    more: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        said = "met" if self.target.met(self.value) else "MISSED"
        more = "  ".join(f"{name}={value:,.4g}" for name, value in self.more.items())
        return f"{self.name:34}{self.value:10,.4g} {self.unit:14}{self.target!s:>10}  {said:7}{more}"


def machine() -> dict[str, str | int | float]:
    """Describe the machine by what a reader needs to judge a figure, and by nothing that names it."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.machine(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), "0")
    return {
        "cpu": cpu,
        "cores": os.cpu_count() or 0,
        "memory_gib": round(int(memory) / 2**20),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 2),
    }


def keep(lines: Sequence[Line], described: dict[str, str | int | float]) -> Path:
    """Write a run to a file of its own."""
    at = datetime.now(UTC)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{at:%Y-%m-%d-%H%M}.json"
    kept = [{**asdict(line), "met": line.target.met(line.value)} for line in lines]
    path.write_text(json.dumps({"at": f"{at:%Y-%m-%dT%H:%MZ}", "machine": described, "lines": kept}, indent=2) + "\n")
    return path


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8").splitlines()
    except OSError:
        return []
