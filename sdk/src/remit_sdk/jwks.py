"""An issuer's published keys, fetched rarely and never because a token asks for it often."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from remit_sdk.clock import Clock
from remit_sdk.errors import Unavailable
from remit_sdk.jose import PublicKey, read_key

# A new key is always published before its first use, so an unknown `kid` is nearly always noise.
REFETCH_AFTER: Final = 60.0
REFRESH_AFTER: Final = 300.0
UNUSABLE_AFTER: Final = 3_600.0
RETRY_AFTER: Final = 1.0


def read_keys(document: Mapping[str, object]) -> dict[str, PublicKey]:
    """Read a JWKS; a `kid` that two keys share is nobody's (RFC 7517 §5)."""
    members = document.get("keys")
    keys: dict[str, PublicKey] = {}
    shared: set[str] = set()
    for jwk in members if isinstance(members, list) else []:
        key = read_key(jwk)
        if key is None:
            continue
        if key.kid in keys:
            shared.add(key.kid)
        keys[key.kid] = key
    return {kid: key for kid, key in keys.items() if kid not in shared}


class KeySet:
    """The keys of one issuer, by `kid`."""

    def __init__(self, fetch_document: Callable[[], Awaitable[Mapping[str, object]]], clock: Clock) -> None:
        self._fetch = fetch_document
        self._clock = clock
        self._keys: dict[str, PublicKey] = {}
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._failed = False
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> PublicKey | None:
        """Return the key, or None when the issuer has published no such key.

        Raises:
            Unavailable: the issuer's keys could not be read, so unknown does not mean wrong.
        """
        if not self._settled(kid):
            async with self._lock:
                # The one before us in the queue may have fetched already.
                if not self._settled(kid) and self._may_try():
                    await self._refetch()
        if self._age() >= UNUSABLE_AFTER:
            msg = "the issuer's keys are out of reach"
            raise Unavailable(msg)
        key = self._keys.get(kid)
        if key is None and self._failed:
            msg = "the issuer's keys are out of reach"
            raise Unavailable(msg)
        return key

    def _age(self) -> float:
        if self._fetched_at is None:
            return float("inf")
        return self._clock.monotonic() - self._fetched_at

    def _settled(self, kid: str) -> bool:
        return kid in self._keys and self._age() < REFRESH_AFTER

    def _may_try(self) -> bool:
        if self._tried_at is None:
            return True
        wait = RETRY_AFTER if self._fetched_at is None else REFETCH_AFTER
        return self._clock.monotonic() - self._tried_at >= wait

    async def _refetch(self) -> None:
        self._tried_at = self._clock.monotonic()
        try:
            self._keys = read_keys(await self._fetch())
        except Unavailable:
            self._failed = True
            return
        self._fetched_at = self._clock.monotonic()
        self._failed = False
