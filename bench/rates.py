"""P1, P2, P3: the same work on Remit and on the peer, in turn; only the ratio of each pair travels between machines."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from urllib.parse import quote

from bench import load, servers
from bench.report import Line, Target
from remit_sdk.jose import DpopKey

ROUNDS = 3


@dataclass(slots=True)
class Rotating:
    """A caller who gets a new refresh token with each answer, and uses it next."""

    target: servers.Target
    token: str

    def request(self) -> bytes:
        form = f"{self.target.refresh_form}&refresh_token={quote(self.token)}"
        return load.post(self.target.token_path, self.target.port, form, self.authorization)

    def take(self, body: bytes) -> None:
        self.token = json.loads(body)["refresh_token"]

    @property
    def authorization(self) -> str:
        # Remit's callers are agents of people: public clients, which prove nothing beside the token.
        return "" if "client_id=" in self.target.refresh_form else self.target.authorization


def issuing(target: servers.Target) -> list[load.Caller]:
    """P1: client_credentials, an ES256 JWT each."""
    request = load.post(target.token_path, target.port, target.token_form, target.authorization)
    return [load.Same(request)] * servers.CALLERS


@dataclass(frozen=True, slots=True)
class Proving:
    """A caller who asks for tokens that are bound to his key, with a new proof each time."""

    target: servers.Target
    key: DpopKey

    def request(self) -> bytes:
        target = self.target
        proof = self.key.proof("POST", f"http://127.0.0.1:{target.port}{target.token_path}", now=time.time())
        return load.post(target.token_path, target.port, target.token_form, target.authorization, dpop=proof)

    def take(self, body: bytes) -> None:
        if json.loads(body)["token_type"] != "DPoP":
            raise RuntimeError("the token is bound to nothing")


def proving(target: servers.Target) -> list[load.Caller]:
    """P1 again, each token bound to a key by a proof of its own (RFC 9449)."""
    return [Proving(target, DpopKey.generate()) for _ in range(servers.CALLERS)]


def rotating(target: servers.Target) -> list[load.Caller]:
    """P2: refresh with rotation; each caller has a line of his own."""
    return [Rotating(target, token) for token in target.refresh_tokens]


def introspecting(target: servers.Target) -> list[load.Caller]:
    """P3: introspection of a live token by its own client."""
    request = load.post(target.token_path, target.port, target.opaque_form, target.authorization)
    token = json.loads(asyncio.run(load.one(target.port, request)))["access_token"]
    asked = load.post(target.introspect_path, target.port, f"token={token}", target.authorization)
    return [load.Same(asked)] * servers.CALLERS


WORK: dict[str, tuple[Callable[[servers.Target], list[load.Caller]], float]] = {
    "P1 client_credentials": (issuing, 1.5),
    "P2 refresh, rotation": (rotating, 2.5),
    "P3 introspection": (introspecting, 3.0),
    # Last: the peer keeps used proofs among the thousand things that it remembers, and forgets refresh tokens for them.
    "P1 client_credentials, DPoP": (proving, 1.5),
}


def measure(total: int) -> Iterator[Line]:
    """Yield one line for each kind of work: our rate, the peer's, and their ratio."""
    with ExitStack() as stack:
        targets = stack.enter_context(servers.ours()), stack.enter_context(servers.peer())
        for name, (build, aim) in WORK.items():
            callers = [build(target) for target in targets]
            for target, some in zip(targets, callers, strict=True):
                asyncio.run(load.run(target.port, some, pid=target.pid, total=total // 10))
            pairs = [
                [
                    asyncio.run(load.run(target.port, some, pid=target.pid, total=total))
                    for target, some in zip(targets, callers, strict=True)
                ]
                for _ in range(ROUNDS)
            ]
            ratio = statistics.median(mine.per_cpu_second / other.per_cpu_second for mine, other in pairs)
            mine, other = (statistics.median(pair[side].per_cpu_second for pair in pairs) for side in (0, 1))
            p99 = statistics.median(pair[0].p99_ms for pair in pairs)
            yield Line(
                name=name,
                value=ratio,
                unit="x the peer",
                target=Target(at_least=aim),
                more={"remit_per_cpu_second": mine, "peer_per_cpu_second": other, "remit_p99_ms": p99},
            )
