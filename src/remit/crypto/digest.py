"""Keyed digests: how a machine secret is recognised without being kept."""

from __future__ import annotations

import hmac
from typing import Final

from remit.core.names import Opaque
from remit.crypto.compact import write_base64url
from remit.crypto.sealing import KEY_BYTES, framed

_HASH: Final = "sha256"


class HmacDigester:
    """HMAC-SHA-256 under the server's pepper: a copy of the database alone lets nobody test a guess."""

    def __init__(self, pepper: bytes) -> None:
        if len(pepper) != KEY_BYTES:
            raise ValueError(f"a pepper has {KEY_BYTES} bytes")
        self._pepper = pepper

    def digest(self, opaque: Opaque) -> bytes:
        # Kind and id are part of it, so a digest copied to another row or table proves nothing there.
        return self._mac("secret", opaque.kind, opaque.id, opaque.secret.reveal())

    def matches(self, opaque: Opaque, digest: bytes) -> bool:
        return hmac.compare_digest(self.digest(opaque), digest)

    def tag(self, purpose: str, *parts: str) -> str:
        return write_base64url(self._mac("tag", purpose, *parts)).decode()

    def _mac(self, domain: str, *parts: str) -> bytes:
        return hmac.digest(self._pepper, framed("remit", domain, *parts), _HASH)
