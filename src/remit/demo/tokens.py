"""Access tokens as anybody can read them: against the keys that the issuer publishes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import requests

from remit.demo.tell import DemoFailed
from remit_sdk.jwks import read_keys
from remit_sdk.verify import Rejected, judge, read


def read_token(token: str, *, issuer: str, api: str) -> Mapping[str, Any]:
    """Verify a token's signature and address, and return its claims.

    Raises:
        DemoFailed: it is not a token of this issuer for this API.
    """
    metadata = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    keys = read_keys(requests.get(metadata["jwks_uri"], timeout=10).json())
    unverified = read(token)
    if isinstance(unverified, Rejected):
        raise DemoFailed(f"what came is no access token: {unverified.hint}")
    key = keys.get(unverified.kid)
    verdict = judge(unverified, key=key, issuer=issuer, audience=api, now=time.time(), leeway=10)
    if isinstance(verdict, Rejected):
        raise DemoFailed(f"the token does not verify: {verdict.hint}")
    return unverified.claims
