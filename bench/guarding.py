"""P5: what the SDK's guard costs a call inside the API's own process, beside bare verification of a signature."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from bench import servers
from bench.report import Line, Target
from remit_sdk import guard
from remit_sdk.gate import Call, Gate, Permit

FRESH = 400
SEEN = 20_000


def measure() -> Iterator[Line]:
    """Yield the cost of the first sight of a token, and of a token that was seen before."""
    with servers.remit() as (_, acme), httpx.Client() as http:
        headers = {"authorization": servers.client(acme), "content-type": servers.FORM}
        tokens = [
            http.post(acme["token_endpoint"], content=servers.TOKEN_FORM, headers=headers).json()["access_token"]
            for _ in range(FRESH)
        ]
        keys = KeySet.import_key_set(http.get(acme["jwks_uri"]).json())
        first, seen = asyncio.run(_guarded(acme, tokens))
    bare = _microseconds(lambda token: jwt.decode(token, keys), tokens)
    more = {"bare_joserfc_us": bare, "ratio": first / bare}
    yield Line(name="P5 first sight of a token", value=first, unit="us", target=Target(at_most=150), more=more)
    yield Line(name="P5 token seen before", value=seen, unit="us", target=Target(at_most=15))


async def _guarded(acme: servers.Acme, tokens: list[str]) -> tuple[float, float]:
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    api = guard(acme["issuer"], resource=resource["uri"], credentials=credentials)
    async with api.running():
        await api.ready()
        return await _each(api, tokens), await _each(api, tokens[:1] * SEEN)


async def _each(api: Gate, tokens: list[str]) -> float:
    needed = frozenset({"read:calendar"})
    costs = []
    for token in tokens:
        call = Call(method="GET", path="/events", credentials=token)
        began = time.perf_counter()
        outcome = await api.check(call, needed)
        costs.append(time.perf_counter() - began)
        if not isinstance(outcome, Permit):
            raise RuntimeError(f"the guard refused: {outcome}")
    return statistics.median(costs) * 1e6


def _microseconds(act: Callable[[str], object], tokens: list[str]) -> float:
    costs = []
    for token in tokens:
        began = time.perf_counter()
        act(token)
        costs.append(time.perf_counter() - began)
    return statistics.median(costs) * 1e6
