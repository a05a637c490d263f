"""Where an agent keeps its tokens, and who may renew them now."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

import msgspec


class TokenSet(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one answer of the token endpoint left us with."""

    access_token: str
    obtained_at: float
    expires_at: float
    scope: str
    refresh_token: str | None = None
    dpop_key: str | None = None
    """The private key that both are bound to, as `DpopKey` writes it; None for bearer tokens."""

    def __repr__(self) -> str:
        """Name the scope only: tokens are never printed."""
        return f"TokenSet(scope={self.scope!r}, expires_at={self.expires_at!r})"


class TokenStore(Protocol):
    """Tokens by name, with a lock that keeps everybody else who shares the store from renewing."""

    def read(self, name: str) -> TokenSet | None:
        """Return the tokens that were written last."""
        ...

    def write(self, name: str, tokens: TokenSet | None) -> None:
        """Replace the tokens, or forget them; durable when it returns."""
        ...

    def lock(self, name: str) -> AbstractContextManager[None]:
        """Wait for the sole right to renew."""
        ...


class MemoryStore:
    """Tokens for as long as the process lives."""

    def __init__(self) -> None:
        self._tokens: dict[str, TokenSet] = {}
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def read(self, name: str) -> TokenSet | None:
        return self._tokens.get(name)

    def write(self, name: str, tokens: TokenSet | None) -> None:
        if tokens is None:
            self._tokens.pop(name, None)
        else:
            self._tokens[name] = tokens

    def lock(self, name: str) -> AbstractContextManager[None]:
        return self._locks[name]  # type: ignore[return-value]  # a Lock enters with True


class FileStore:
    """Tokens in one file of the user's own, shared by all processes of an agent.

    Parallel workers share one line this way: whoever holds the lock renews, the others read what
    came of it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path).expanduser()

    def read(self, name: str) -> TokenSet | None:
        return self._all().get(name)

    def write(self, name: str, tokens: TokenSet | None) -> None:
        # Other names live in the same file, so the change needs a lock of its own.
        with self._held(self._path.with_name(f"{self._path.name}.write.lock")):
            held = self._all()
            if tokens is None:
                held.pop(name, None)
            else:
                held[name] = tokens
            self._replace(msgspec.json.encode(held))

    def lock(self, name: str) -> AbstractContextManager[None]:
        return self._held(self._path.with_name(f"{self._path.name}.{name}.lock"))

    @contextmanager
    def _held(self, path: Path) -> Iterator[None]:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The lock file stays: removing it would let two processes lock two different files.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _all(self) -> dict[str, TokenSet]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return {}
        with os.fdopen(descriptor, "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                msg = f"{self._path} can be read by others: its tokens are theirs too; delete it and sign in again"
                raise PermissionError(msg)
            return msgspec.json.decode(file.read(), type=dict[str, TokenSet])

    def _replace(self, content: bytes) -> None:
        fresh = self._path.with_name(f".{self._path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            # Readers see the old file or the new one, never half of either.
            fresh.replace(self._path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
