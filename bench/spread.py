"""P8: from the moment somebody stops a token until a guard refuses it, on the same node and on another one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx

from bench import servers
from bench.report import Line, Target
from remit_sdk import guard
from remit_sdk.gate import Call, Gate, Permit
from tests.flows.server import Server

NEEDED = frozenset({"read:calendar"})
WITHIN = 10.0


def measure(trials: int) -> Iterator[Line]:
    """Yield the 99th percentile for a guard that follows the node of the stop, and for one that follows another."""
    with servers.remit() as (node, acme):
        yield _line("P8 stop to refusal, one node", asyncio.run(_time(node, acme, trials)), 1.0)
    with servers.two_nodes() as (_, other, acme):
        yield _line("P8 stop to refusal, other node", asyncio.run(_time(other, acme, trials)), 2.0)


def _line(name: str, seconds: list[float], most: float) -> Line:
    seconds.sort()
    p99 = seconds[len(seconds) * 99 // 100]
    more = {"p50": seconds[len(seconds) // 2], "max": seconds[-1], "trials": len(seconds)}
    return Line(name=name, value=p99, unit="s (p99)", target=Target(at_most=most), more=more)


async def _time(stopping: Server, acme: servers.Acme, trials: int) -> list[float]:
    """Revoke a token at one node, and ask a guard that follows the issuer's first node until it says no."""
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    api = guard(acme["issuer"], resource=resource["uri"], credentials=credentials)
    headers = {"authorization": servers.client(acme), "content-type": servers.FORM}
    there = f"{stopping.address}/t/acme/oauth"
    found = []
    async with api.running(), httpx.AsyncClient() as http:
        await api.ready()
        for _ in range(trials):
            answer = await http.post(f"{there}/token", content=servers.TOKEN_FORM, headers=headers)
            token = answer.json()["access_token"]
            call = Call(method="GET", path="/events", credentials=token)
            if not isinstance(await api.check(call, NEEDED), Permit):
                raise RuntimeError("the guard refused a live token")
            done = await http.post(f"{there}/revoke", content=f"token={token}", headers=headers)
            done.raise_for_status()
            found.append(await _until_refused(api, call))
    return found


async def _until_refused(api: Gate, call: Call) -> float:
    began = time.perf_counter()
    while isinstance(await api.check(call, NEEDED), Permit):
        if time.perf_counter() - began > WITHIN:
            raise RuntimeError(f"not refused within {WITHIN:g} s")
        await asyncio.sleep(0)
    return time.perf_counter() - began
