"""Sealing: what must be readable again is encrypted for one place, and opens nowhere else."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from remit.core.names import Opaque

KEY_BYTES: Final = 32

_VERSION: Final = b"\x01"
_NONCE: Final = 12
_TAG: Final = 16


def framed(*parts: str) -> bytes:
    """Join parts so that no other parts give the same bytes: each is preceded by its length."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def derive(secret: bytes, *, info: bytes, salt: bytes = b"") -> bytes:
    """Return a key of its own for one use (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=salt or None, info=info).derive(secret)


class AesGcmSealer:
    """AES-256-GCM under keys derived from the master key: one for each tenant, the first part of the context."""

    def __init__(self, master: bytes, *, random: Callable[[int], bytes] = os.urandom) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError(f"a master key has {KEY_BYTES} bytes")
        self._random = random
        self._bearer_salt = derive(master, info=framed("remit", "bearer"))

        @lru_cache(maxsize=1024)
        def data_key(owner: str) -> AESGCM:
            return AESGCM(derive(master, info=framed("remit", "seal", owner)))

        self._data_key = data_key

    def seal(self, plain: bytes, *, context: Sequence[str]) -> bytes:
        return self._close(self._data_key(context[0]), plain, framed("seal", *context))

    def unseal(self, sealed: bytes, *, context: Sequence[str]) -> bytes | None:
        return _open(self._data_key(context[0]), sealed, framed("seal", *context))

    def seal_for_bearer(self, plain: str, bearer: Opaque) -> bytes:
        return self._close(self._bearer_key(bearer), plain.encode(), framed("bearer", bearer.kind, bearer.id))

    def unseal_for_bearer(self, sealed: bytes, bearer: Opaque) -> str | None:
        plain = _open(self._bearer_key(bearer), sealed, framed("bearer", bearer.kind, bearer.id))
        return None if plain is None else plain.decode()

    def _bearer_key(self, bearer: Opaque) -> AESGCM:
        # The server keeps a digest of the bearer's secret only, so a stolen database plus the master key opens nothing.
        info = framed("remit", "bearer", bearer.kind, bearer.id)
        return AESGCM(derive(bearer.secret.reveal().encode(), info=info, salt=self._bearer_salt))

    def _close(self, key: AESGCM, plain: bytes, context: bytes) -> bytes:
        nonce = self._random(_NONCE)
        return _VERSION + nonce + key.encrypt(nonce, plain, _VERSION + context)


def _open(key: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    if len(sealed) < len(_VERSION) + _NONCE + _TAG or not sealed.startswith(_VERSION):
        return None
    nonce, rest = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    try:
        return key.decrypt(nonce, rest, _VERSION + context)
    except InvalidTag:
        return None
