"""Follow an issuer's stops as they happen, and know how fresh that knowledge is."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final

import httpx2
import msgspec

from remit_sdk.clock import Clock
from remit_sdk.epochs import Epochs, Stop
from remit_sdk.errors import Unavailable
from remit_sdk.sse import BrokenStream, EventReader, ServerEvent

STALE_AFTER: Final = 10.0
FIRST_DELAY: Final = 0.25
LONGEST_DELAY: Final = 5.0
# Heartbeats come each 2 s, so a read that waits longer than this waits for nobody.
TIMEOUT: Final = httpx2.Timeout(5.0, read=STALE_AFTER)

log = logging.getLogger("remit_sdk.feed")


class _Position(msgspec.Struct, frozen=True):
    seq: int


class FeedBroken(Exception):
    """The stream ended, skipped, or said something that is no feed."""


class Feed:
    """One connection to `{issuer}/feed`, made again whenever it breaks."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        endpoint: Callable[[], Awaitable[str]],
        auth: httpx2.Auth,
        epochs: Epochs,
        clock: Clock,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._auth = auth
        self._epochs = epochs
        self._clock = clock
        self._seq: int | None = None
        self._asked_from: int | None = None
        self._heard_at: float | None = None
        self._delay = FIRST_DELAY
        self.caught_up = asyncio.Event()

    def live(self) -> bool:
        """Say whether every stop older than the bound is known here."""
        if self._heard_at is None:
            return False
        return self._clock.monotonic() - self._heard_at < STALE_AFTER

    async def run(self) -> None:
        """Follow the feed until cancelled."""
        while True:
            try:
                await self._follow()
            except (Unavailable, FeedBroken, BrokenStream, httpx2.HTTPError) as error:
                log.warning("feed.lost", extra={"cause": type(error).__name__})
            finally:
                self.caught_up.clear()
            # Spread out, or every guard comes back in the same instant.
            await self._clock.sleep(self._delay * random.uniform(0.5, 1.0))  # noqa: S311
            self._delay = min(self._delay * 2, LONGEST_DELAY)

    async def _follow(self) -> None:
        self._asked_from = self._seq
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if self._seq is not None:
            headers["Last-Event-ID"] = str(self._seq)
        async with self._client.stream(
            "GET",
            await self._endpoint(),
            headers=headers,
            auth=self._auth,
            timeout=TIMEOUT,
            follow_redirects=False,
        ) as response:
            kind = response.headers.get("content-type", "")
            if response.status_code != 200 or not kind.startswith("text/event-stream"):
                msg = f"the feed answered {response.status_code}"
                raise FeedBroken(msg)
            reader = EventReader()
            async for chunk in response.aiter_raw():
                for event in reader.push(chunk):
                    self._take(event)
        msg = "the feed ended"
        raise FeedBroken(msg)

    def _take(self, event: ServerEvent) -> None:
        try:
            match event.name:
                case "stop":
                    self._stop(msgspec.json.decode(event.data, type=Stop))
                case "ready":
                    self._ready(msgspec.json.decode(event.data, type=_Position).seq)
                case "heartbeat":
                    self._heartbeat(msgspec.json.decode(event.data, type=_Position).seq)
                case _:
                    pass  # a later server may say more
        except msgspec.MsgspecError as error:
            msg = "an event that is no feed entry"
            raise FeedBroken(msg) from error

    def _stop(self, stop: Stop) -> None:
        now = self._clock.monotonic()
        self._epochs.learn(stop, at=now)
        self._seq = max(stop.seq, self._seq or 0)
        # INVARIANT: before `ready` a stop proves nothing about the stops that follow it.
        if self.caught_up.is_set():
            self._heard_at = now

    def _ready(self, seq: int) -> None:
        if self._asked_from is not None and seq < self._asked_from:
            # The issuer counts lower than before (restored from a backup): begin again without
            # a position, and keep what is known, which can only refuse more.
            self._seq = None
            msg = "the feed went back"
            raise FeedBroken(msg)
        self._seq = max(seq, self._seq or 0)
        self._heard_at = self._clock.monotonic()
        self._delay = FIRST_DELAY
        self.caught_up.set()
        log.info("feed.ready", extra={"seq": seq})

    def _heartbeat(self, seq: int) -> None:
        if not self.caught_up.is_set():
            return
        if seq > (self._seq or 0):
            msg = "a stop was skipped"
            raise FeedBroken(msg)
        self._heard_at = self._clock.monotonic()
