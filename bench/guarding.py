"""P5: what the SDK's guard costs a call inside the API's own process, beside bare verification of a signature."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Sequence

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from bench import servers
from bench.report import Line, Target
from remit_sdk import guard
from remit_sdk.credentials import Bound
from remit_sdk.gate import Call, Gate, Permit
from remit_sdk.jose import DpopKey
from remit_sdk.strict import web_origin

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
        key, url = DpopKey.generate(), acme["token_endpoint"]
        proof = {"dpop": key.proof("POST", url, now=time.time())}
        bound = http.post(url, content=servers.TOKEN_FORM, headers=headers | proof).json()["access_token"]
        keys = KeySet.import_key_set(http.get(acme["jwks_uri"]).json())
        first, seen, proven = asyncio.run(_guarded(acme, tokens, bound, key))
    bare = _microseconds(lambda token: jwt.decode(token, keys), tokens)
    more = {"bare_joserfc_us": bare, "ratio": first / bare}
    yield Line(name="P5 first sight of a token", value=first, unit="us", target=Target(at_most=150), more=more)
    yield Line(name="P5 token seen before", value=seen, unit="us", target=Target(at_most=15))
    # A proof is new each time, and so never remembered: it is a first sight by its nature.
    more = {"beside_a_bearer_token_us": proven - seen}
    yield Line(name="P5 token seen before, new proof", value=proven, unit="us", target=Target(at_most=150), more=more)


async def _guarded(acme: servers.Acme, tokens: list[str], bound: str, key: DpopKey) -> tuple[float, float, float]:
    resource = acme["resources"]["R1"]
    credentials = resource["client_id"], resource["client_secret"]
    api = guard(acme["issuer"], resource=resource["uri"], credentials=credentials)
    async with api.running():
        await api.ready()
        first, seen = await _each(api, tokens), await _each(api, tokens[:1] * SEEN)
        target, now = f"{web_origin(resource['uri'])}/events", time.time()
        proofs = [key.proof("GET", target, now=now, token=bound) for _ in range(FRESH)]
        return first, seen, await _each(api, [Bound(token=bound, proofs=(proof,)) for proof in proofs])


async def _each(api: Gate, shown: Sequence[str | Bound]) -> float:
    needed = frozenset({"read:calendar"})
    costs = []
    for credentials in shown:
        call = Call(method="GET", path="/events", credentials=credentials)
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
