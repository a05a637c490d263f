"""A node of a race: a process of its own with its own store, which redeems what it is told to, many times at once.

Run as a program it reads a line of JSON for each heat from standard input and answers with a line of its own.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from remit.core.names import LineId, Opaque, SecretKind, parse_opaque
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.token_set import TokenCall
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import RefreshState, RefreshToken
from remit.ports.deps import Deps
from remit.ports.work import Database
from remit.services.grants import GRANTS
from remit.store.migrate import open_sqlite
from remit.store.migrate_postgres import open_postgres
from remit.store.postgres import Place
from tests.kit.clock import NOW, FixedClock
from tests.kit.flows import VERIFIER
from tests.kit.instance import deps_on
from tests.kit.world import BASE, HERE, World

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Where a race is run: the store, and whose secrets are redeemed there."""

    store: Path | Place
    world: World


async def open_store(store: Path | Place) -> Database:
    return await (open_sqlite(store, BASE) if isinstance(store, Path) else open_postgres(store, BASE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What became of one secret: how many were served, with which successors, and how many were refused why."""

    served: int
    successors: frozenset[str]
    refused: Counter[str]

    def __or__(self, other: Heat) -> Heat:
        return Heat(
            served=self.served + other.served,
            successors=self.successors | other.successors,
            refused=self.refused + other.refused,
        )


def call_for(grant_type: str, secret: str) -> TokenCall:
    if grant_type == "refresh_token":
        return TokenCall(grant_type=grant_type, scopes=None, resources=(), refresh_token=secret)
    return TokenCall(grant_type=grant_type, scopes=None, resources=(), code=secret, verifier=VERIFIER)


Redeem = Callable[[Deps, World, str, str], Awaitable[str | Refusal]]
"""Redeem a secret of a grant type: the refresh token that came of it, or why none did."""

LOST = Refusal("invalid_grant", "somebody else was first")


async def by_the_service(deps: Deps, world: World, grant_type: str, secret: str) -> str | Refusal:
    """Redeem it as the token endpoint does."""
    presented = Presented(client=world.local.id, proof=Proof.NONE)
    outcome = await GRANTS[grant_type](world.tenant.id, presented, call_for(grant_type, secret), deps, HERE)
    if isinstance(outcome, Refusal):
        return outcome
    assert outcome.refresh_token is not None
    return outcome.refresh_token.reveal()


async def at_the_store(deps: Deps, world: World, grant_type: str, secret: str) -> str | Refusal:
    """Try to spend it and nothing more, whatever its state seems to be: who loses must learn it from the statement."""
    opaque = parse_opaque(secret, SecretKind.CODE if grant_type == "authorization_code" else SecretKind.REFRESH)
    assert opaque is not None
    async with deps.db.work(world.tenant.id) as work:
        if opaque.kind is SecretKind.CODE:
            code = await work.codes.find(opaque.id)
            assert code is not None
            return deps.fresh.ordinal() if await work.codes.spend(code, at=NOW) else LOST
        token = await work.refresh_tokens.find(opaque.id)
        assert token is not None
        successor, link = new_link(token.line, deps)
        if not await work.refresh_tokens.spend(token, successor=successor.id, sealed=b"sealed", at=NOW):
            return LOST
        await work.refresh_tokens.add(link)
        return successor.text().reveal()


def new_link(line: LineId, deps: Deps) -> tuple[Opaque, RefreshToken]:
    """Make a refresh token of a line."""
    opaque = deps.fresh.opaque(SecretKind.REFRESH)
    token = RefreshToken(
        id=opaque.id,
        digest=deps.digester.digest(opaque),
        line=line,
        state=RefreshState.LIVE,
        issued_at=NOW,
        expires_at=NOW + timedelta(days=14),
        spent_at=None,
        successor=None,
        sealed=None,
        successor_state=None,
    )
    return opaque, token


LAYERS: Mapping[str, Redeem] = {"by the service": by_the_service, "at the store": at_the_store}


async def run_heats(
    deps: Deps, world: World, layer: str, grant_type: str, secrets: Sequence[str], racers: int
) -> list[dict[str, Any]]:
    """Redeem every secret by so many racers, all of them at once."""
    redeem = LAYERS[layer]
    outcomes = await asyncio.gather(
        *(redeem(deps, world, grant_type, secret) for _ in range(racers) for secret in secrets)
    )
    return [_told(outcomes[number :: len(secrets)]) for number in range(len(secrets))]


def _told(outcomes: Sequence[str | Refusal]) -> dict[str, Any]:
    served = [outcome for outcome in outcomes if isinstance(outcome, str)]
    refused = Counter(outcome.hint for outcome in outcomes if isinstance(outcome, Refusal))
    digests = sorted({hashlib.sha256(text.encode()).hexdigest() for text in served})
    return {"served": len(served), "successors": digests, "refused": refused}


class Node:
    """The same, seen from the test: a process that is told what to race for."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self, layer: str, grant_type: str, secrets: Sequence[str], racers: int) -> None:
        assert self._process.stdin is not None
        print(json.dumps([layer, grant_type, list(secrets), racers]), file=self._process.stdin, flush=True)

    def finish(self) -> list[Heat]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the node ended: {self._process.wait(30)}"
        return [
            Heat(served=heat["served"], successors=frozenset(heat["successors"]), refused=Counter(heat["refused"]))
            for heat in json.loads(line)
        ]


@contextmanager
def running(course: Course, folder: Path, count: int) -> Iterator[list[Node]]:
    """Let so many nodes run until the block ends."""
    told = folder / "course.pickle"
    told.write_bytes(pickle.dumps(course))
    words = [sys.executable, "-m", "tests.races.node", str(told)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    started = [subprocess.Popen(words, **pipes) for _ in range(count)]  # type: ignore[call-overload]
    try:
        yield [Node(process) for process in started]
    finally:
        for process in started:
            process.stdin.close()
            process.wait(60)
            process.stdout.close()


async def serve(told: Path) -> None:
    course: Course = pickle.loads(told.read_bytes())
    db = await open_store(course.store)
    deps = deps_on(db, FixedClock())
    try:
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await run_heats(deps, course.world, *json.loads(line))), flush=True)
    finally:
        await db.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
