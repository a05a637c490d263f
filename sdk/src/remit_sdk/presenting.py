"""How a token goes onto a request: alone (RFC 6750 §2.1), or with a proof of its key (RFC 9449 §7.1)."""

from __future__ import annotations

from functools import lru_cache

from remit_sdk.errors import BoundToken
from remit_sdk.jose import DpopKey
from remit_sdk.store import TokenSet


def headers_of(tokens: TokenSet, method: str, url: str, *, now: float, nonce: str | None) -> dict[str, str]:
    """Return the headers by which one request shows the token."""
    if tokens.dpop_key is None:
        return {"Authorization": f"Bearer {tokens.access_token}"}
    proof = _key(tokens.dpop_key).proof(method, url, now=now, token=tokens.access_token, nonce=nonce)
    return {"Authorization": f"DPoP {tokens.access_token}", "DPoP": proof}


def alone(tokens: TokenSet) -> str:
    """Return a token that works without a proof.

    Raises:
        BoundToken: this one does not.
    """
    if tokens.dpop_key is not None:
        msg = "this token is bound to a key: send what `headers` returns, or ask for bearer tokens with dpop=False"
        raise BoundToken(msg)
    return tokens.access_token


@lru_cache(maxsize=64)
def _key(text: str) -> DpopKey:
    return DpopKey.load(text)
