"""`make bench`: what Remit promises about speed, measured; against a peer wherever there is one for the work."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from bench import counts, flat, guarding, log, rates, report, spread, start
from bench.report import Line
from remit.telemetry.logs import configure

PARTS: dict[str, Callable[[argparse.Namespace], Iterator[Line]]] = {
    "rates": lambda asked: rates.measure(asked.requests),
    "counts": lambda _: counts.measure(),
    "guard": lambda _: guarding.measure(),
    "spread": lambda asked: spread.measure(asked.trials),
    "flat": lambda asked: flat.measure(asked.grants),
    "start": lambda _: start.measure(),
    "log": lambda asked: log.measure(asked.events),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure (default all): {', '.join(PARTS)}")
    parser.add_argument("--requests", type=int, default=5000, help="requests a round and server (default 5000)")
    parser.add_argument("--trials", type=int, default=200, help="stops whose spread is timed (default 200)")
    parser.add_argument("--grants", type=int, default=1_000_000, help="the larger number of grants (default 1000000)")
    parser.add_argument("--events", type=int, default=100_000, help="events of the log that is verified")
    parser.add_argument("--keep", action="store_true", help="write the run to bench/results/")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    described = report.machine()
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    print("Remit is durable and audited (fsync before the answer); the peer, oidc-provider, keeps all in memory.\n")
    with Path(os.devnull).open("w") as nowhere:
        # What runs inside this process logs as a server does, and nobody has to read it.
        configure(level="info", format="json", stream=nowhere)
        lines = _measure(asked)
    if asked.keep:
        print(f"\nkept in {report.keep(lines, described)}")


def _measure(asked: argparse.Namespace) -> list[Line]:
    lines = []
    for name in asked.parts or PARTS:
        for line in PARTS[name](asked):
            print(line, flush=True)
            lines.append(line)
    return lines


if __name__ == "__main__":
    main()
