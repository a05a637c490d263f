"""DPoP proofs as a client makes them (RFC 9449 §4.2), and as an attacker would bend them."""

from __future__ import annotations

import hashlib
import json
import secrets
from datetime import datetime
from functools import cache
from typing import Any

from remit.crypto.compact import write_base64url
from remit.crypto.jose import PrivateKey


@cache
def key_of(name: str, alg: str = "ES256") -> PrivateKey:
    """Return somebody's key: the same one for the same name."""
    return PrivateKey.generate(alg)


def ath(token: str) -> str:
    return write_base64url(hashlib.sha256(token.encode()).digest()).decode()


def proof(
    key: PrivateKey,
    method: str,
    url: str,
    *,
    at: datetime,
    token: str | None = None,
    header: dict[str, Any] | None = None,
    signer: PrivateKey | None = None,
    **changes: Any,
) -> str:
    """Return a proof for a request. What is changed to `...` is left out; `signer` signs in the key's place."""
    head: dict[str, Any] = {"typ": "dpop+jwt", "alg": key.alg, "jwk": key.jwk(), **(header or {})}
    claims: dict[str, Any] = {
        "jti": secrets.token_urlsafe(12),
        "htm": method,
        "htu": url,
        "iat": int(at.timestamp()),
        **({} if token is None else {"ath": ath(token)}),
        **changes,
    }
    parts = [{name: value for name, value in part.items() if value is not ...} for part in (head, claims)]
    message = b".".join(write_base64url(json.dumps(part).encode()) for part in parts)
    return (message + b"." + write_base64url((signer or key).sign(message))).decode()
