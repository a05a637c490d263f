"""Passwords of people: argon2id, off the event loop and never more than two at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.low_level import Type

MAX_PASSWORD: Final = 1024
"""Characters of the longest password; a longer one is no password, so nobody can make us hash a book."""

_AT_ONCE: Final = 2  # each takes 19 MiB and a core


class Argon2Passwords:
    """argon2id with OWASP's first choice of parameters: 19 MiB, two passes, one lane."""

    def __init__(self, *, memory_kib: int = 19 * 1024, passes: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1, type=Type.ID)
        # A pool and not a semaphore: a caller who goes away leaves his thread running, and it must still be counted.
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="remit-argon2")

    async def hash(self, password: str) -> str:
        """Return the hash to store.

        Raises:
            ValueError: an empty password, or one beyond MAX_PASSWORD.
        """
        if not 0 < len(password) <= MAX_PASSWORD:
            raise ValueError(f"a password has 1 to {MAX_PASSWORD} characters")
        return await self._run(password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        fits = 0 < len(password) <= MAX_PASSWORD
        if password_hash is None or not fits:
            # Hashing costs what comparing costs: the time tells nobody whether the user exists.
            await self._run(password[:MAX_PASSWORD])
            return False
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._matches, password_hash, password)

    def close(self) -> None:
        """Give the threads back."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, _bytes(password))

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, _bytes(password))
        except VerifyMismatchError:
            return False


def _bytes(password: str) -> bytes:
    """Take the password as it was given: no folding, no trimming (NIST SP 800-63B leaves both to the verifier)."""
    return password.encode("utf-8", "surrogatepass")
