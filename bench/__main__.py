"""`make bench`: the same work on Remit and on the peer, in turn, and the ratio of each pair."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
from collections.abc import Callable
from contextlib import ExitStack

from bench import load, servers

Build = Callable[[servers.Target], "list[bytes]"]

ROUNDS = 3
CONNECTIONS = 16


def issuing(target: servers.Target) -> list[bytes]:
    """P1: client_credentials, an ES256 JWT each."""
    return [load.post(target.token_path, target.port, target.token_form, target.authorization)]


def introspecting(target: servers.Target) -> list[bytes]:
    """P3: introspection of a live token by its own client."""
    request = load.post(target.token_path, target.port, target.opaque_form, target.authorization)
    token = json.loads(asyncio.run(load.one(target.port, request)))["access_token"]
    return [load.post(target.introspect_path, target.port, f"token={token}", target.authorization)]


WORK: dict[str, Build] = {"P1 client_credentials": issuing, "P3 introspection": introspecting}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--requests", type=int, default=5000, help="requests a round and server (default 5000)")
    total = parser.parse_args().requests
    print(f"{platform.python_implementation()} {platform.python_version()} on {platform.machine()}; {ROUNDS} rounds of")
    print(f"{total} requests over {CONNECTIONS} connections; rates are requests per CPU second of the server.")
    print("Remit is durable and audited (fsync before the answer); oidc-provider keeps everything in memory.\n")
    print(f"{'work':24}{'remit':>10}{'p99 ms':>8}{'peer':>10}{'p99 ms':>8}{'ratio':>8}")
    with ExitStack() as stack:
        ours, theirs = stack.enter_context(servers.remit()), stack.enter_context(servers.peer())
        for name, build in WORK.items():
            pairs = [(_round(ours, build, total), _round(theirs, build, total)) for _ in range(ROUNDS)]
            ratio = statistics.median(mine.per_cpu_second / other.per_cpu_second for mine, other in pairs)
            mine, other = ([pair[side] for pair in pairs] for side in (0, 1))
            print(f"{name:24}{_rates(mine)}{_rates(other)}{ratio:8.2f}")


def _round(target: servers.Target, build: Build, total: int) -> load.Result:
    requests = build(target)
    asyncio.run(load.run(target.port, requests, pid=target.pid, total=total // 10, connections=CONNECTIONS))
    return asyncio.run(load.run(target.port, requests, pid=target.pid, total=total, connections=CONNECTIONS))


def _rates(results: list[load.Result]) -> str:
    rate = statistics.median(result.per_cpu_second for result in results)
    return f"{rate:10,.0f}{statistics.median(result.p99_ms for result in results):8.1f}"


if __name__ == "__main__":
    main()
