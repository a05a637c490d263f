"""Time and chance as the operating system gives them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from remit.core.names import RANDOM_BYTES, SECRET_BYTES, Opaque, Prefix, Secret, SecretKind, encode_ordinal
from remit.crypto.compact import write_base64url
from remit.ports.deps import Clock

_LOW_BITS: Final = 62  # rand_b of a UUIDv7; rand_a is the 12 bits above it (RFC 9562 §5.7)
_BITS: Final = 74
_STEP_BITS: Final = 32
_POOL_BYTES: Final = 1024


class SystemClock:
    def now(self) -> datetime:
        """Return the time in whole milliseconds, as the store keeps it: what is answered is what is read later."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class SystemFresh:
    """New ids and secrets. Ids made by one process sort in the order they were made, also within one millisecond."""

    def __init__(self, clock: Clock, *, random: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._random = random
        self._lock = threading.Lock()
        self._at_ms = -1
        self._count = 0
        self._pool = b""
        self._drawn = 0

    def id(self, prefix: Prefix) -> str:
        return f"{prefix}_{self.ordinal()}"

    def ordinal(self) -> str:
        now_ms = int(self._clock.now().timestamp() * 1000)
        with self._lock:
            if now_ms > self._at_ms:
                # The top bit stays free, so that a busy millisecond has room to count (RFC 9562 §6.2, method 2).
                self._at_ms, self._count = now_ms, self._number(_BITS - 1)
            else:
                # The same millisecond, or the clock went back: count on by a step nobody can guess.
                self._count += 1 + self._number(_STEP_BITS)
                if self._count >> _BITS:
                    self._at_ms, self._count = self._at_ms + 1, self._number(_BITS - 1)
            at_ms, count = self._at_ms, self._count
        # `encode_ordinal` overwrites the version and variant bits, so the counter is laid around them.
        spread = count >> _LOW_BITS << (_LOW_BITS + 2) | count & ((1 << _LOW_BITS) - 1)
        return encode_ordinal(at_ms=at_ms, random=spread.to_bytes(RANDOM_BYTES, "big"))

    def opaque(self, kind: SecretKind, *, id: str | None = None) -> Opaque:
        secret = write_base64url(self._random(SECRET_BYTES)).decode()
        return Opaque(kind=kind, id=self.ordinal() if id is None else id, secret=Secret(secret))

    def random(self, length: int) -> bytes:
        return self._random(length)

    def _number(self, bits: int) -> int:
        # Ids are drawn from a pool, because each question to the system costs a call; secrets never lie in one.
        end = self._drawn + (bits + 7) // 8
        if end > len(self._pool):
            self._pool, self._drawn, end = self._random(_POOL_BYTES), 0, end - self._drawn
        number = int.from_bytes(self._pool[self._drawn : end], "big") & ((1 << bits) - 1)
        self._drawn = end
        return number
