"""Report what the guard decided, without ever making the API wait for it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import Final

import httpx2
import msgspec

from remit_sdk.clock import Clock
from remit_sdk.errors import Unavailable
from remit_sdk.fetch import fetch
from remit_sdk.strict import write_scopes
from remit_sdk.verify import AccessToken

BATCH: Final = 200
# Long paths and scopes are the caller's choice; a batch that the issuer finds too large is lost.
BATCH_BYTES: Final = 256 * 1024
EVERY: Final = 1.0
KEPT: Final = 10_000
# Refusals that name nobody cost an attacker nothing, so they may not push out the others.
KEPT_ANONYMOUS: Final = 1_000
LONGEST_DELAY: Final = 30.0
LAST_WORDS: Final = 2.0

log = logging.getLogger("remit_sdk.decisions")


class Decision(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One answer that the guard gave; identity only from a verified token."""

    id: str
    at: int
    decision: str
    reason: str | None = None
    method: str
    path: str
    status: int | None = None
    required: list[str]
    jti: str | None = None
    sub: str | None = None
    client_id: str | None = None
    agent_id: str | None = None
    grant_id: str | None = None
    line_id: str | None = None
    scope: str | None = None
    purpose: str | None = None
    peer: str | None = None


def make_decision(
    *,
    at: float,
    permitted: bool,
    reason: str | None,
    method: str,
    path: str,
    status: int | None,
    required: frozenset[str],
    token: AccessToken | None,
    purpose: str | None,
    peer: str | None,
) -> Decision:
    """Write a decision down; its id makes a repeated report harmless."""
    return Decision(
        id=f"dec_{secrets.token_hex(16)}",
        at=int(at * 1000),
        decision="permit" if permitted else "deny",
        reason=reason,
        method=method,
        path=path,
        status=status,
        required=sorted(required),
        jti=token.jti if token else None,
        sub=token.subject if token else None,
        client_id=token.client if token else None,
        agent_id=token.agent if token else None,
        grant_id=token.grant if token else None,
        line_id=token.line if token else None,
        scope=write_scopes(token.scopes) if token else None,
        purpose=purpose,
        peer=peer,
    )


class Reporter:
    """A bounded buffer and the task that empties it."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        endpoint: Callable[[], Awaitable[str]],
        auth: httpx2.Auth,
        clock: Clock,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._auth = auth
        self._clock = clock
        self._known: deque[bytes] = deque()
        self._anonymous: deque[bytes] = deque()
        self._batch: list[bytes] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._waiting = asyncio.Event()
        self._urgent = asyncio.Event()
        self.dropped = 0

    def record(self, decision: Decision) -> None:
        """Take a decision; never waits."""
        buffer, room = (self._anonymous, KEPT_ANONYMOUS) if decision.jti is None else (self._known, KEPT)
        if len(buffer) >= room:
            buffer.popleft()
            self.dropped += 1
        buffer.append(msgspec.json.encode(decision))
        self._waiting.set()
        first_use = decision.jti is not None and self._first_use(decision.jti)
        if first_use or decision.decision == "deny" or len(self._known) >= BATCH:
            self._urgent.set()

    def _first_use(self, jti: str) -> bool:
        if jti in self._seen:
            self._seen.move_to_end(jti)
            return False
        self._seen[jti] = None
        if len(self._seen) > KEPT:
            self._seen.popitem(last=False)
        return True

    async def run(self) -> None:
        """Send batches until cancelled."""
        delay = EVERY
        while True:
            await self._due()
            if await self._send():
                delay = EVERY
            else:
                await self._clock.sleep(delay)
                delay = min(delay * 2, LONGEST_DELAY)

    async def flush(self) -> None:
        """Send what is left, for a short while, at the end."""
        try:
            async with asyncio.timeout(LAST_WORDS):
                while self._batch or self._known or self._anonymous:
                    if not await self._send():
                        break
        except TimeoutError:
            pass
        left = len(self._batch) + len(self._known) + len(self._anonymous)
        if left:
            log.warning("decisions.unsent", extra={"count": left})

    async def _due(self) -> None:
        if self._batch:
            return
        await self._waiting.wait()
        if self._urgent.is_set():
            return
        waits = [
            asyncio.ensure_future(self._urgent.wait()),
            asyncio.ensure_future(self._clock.sleep(EVERY)),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _send(self) -> bool:
        """Send one batch; on failure it is kept and goes again under the same ids."""
        if not self._batch:
            self._batch = self._take()
        if not self._batch:
            return True
        try:
            status, _ = await fetch(
                self._client,
                "POST",
                await self._endpoint(),
                auth=self._auth,
                content=b'{"decisions":[' + b",".join(self._batch) + b"]}",
            )
        except Unavailable:
            return False
        if status in {400, 413, 422}:
            # The issuer will never take this batch; keeping it would block all that follow.
            log.error("decisions.rejected", extra={"count": len(self._batch), "status": status})
            self.dropped += len(self._batch)
        elif status not in {200, 202, 204}:
            return False
        self._batch = []
        return True

    def _take(self) -> list[bytes]:
        batch: list[bytes] = []
        size = 0
        for buffer in (self._known, self._anonymous):
            while buffer and len(batch) < BATCH and size + len(buffer[0]) <= BATCH_BYTES:
                batch.append(buffer.popleft())
                size += len(batch[-1])
        if not self._known and not self._anonymous:
            self._waiting.clear()
            self._urgent.clear()
        return batch
