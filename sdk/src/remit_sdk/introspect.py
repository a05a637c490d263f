"""Ask the issuer about one token (RFC 7662), when the feed cannot vouch for it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

import httpx2

from remit_sdk.clock import Clock
from remit_sdk.errors import Untrustworthy
from remit_sdk.fetch import fetch_object
from remit_sdk.strict import read_scopes
from remit_sdk.verify import AccessToken

CACHED_FOR: Final = 1.0
MAX_CACHED: Final = 10_000


class Introspector:
    """The issuer's word about tokens, remembered for a second at most."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        endpoint: Callable[[], Awaitable[str]],
        auth: httpx2.Auth,
        clock: Clock,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._auth = auth
        self._clock = clock
        self._answers: OrderedDict[bytes, tuple[float, frozenset[str]]] = OrderedDict()

    async def scopes(self, presented: str, verified: AccessToken, digest: bytes) -> frozenset[str] | None:
        """Return what the token may still do now, or None when it is not active.

        Raises:
            Unavailable: the issuer gave no answer.
        """
        # The age counts from the question: the answer may be older than its arrival.
        asked_at = self._clock.monotonic()
        known = self._answers.get(digest)
        if known is not None and asked_at - known[0] < CACHED_FOR:
            return known[1]
        answer = await fetch_object(
            self._client,
            "POST",
            await self._endpoint(),
            auth=self._auth,
            form={"token": presented, "token_type_hint": "access_token"},
        )
        active = answer.get("active")
        if not isinstance(active, bool):
            msg = "an introspection answer without `active`"
            raise Untrustworthy(msg)
        if not active:
            self._answers.pop(digest, None)
            return None
        if answer.get("jti", verified.jti) != verified.jti:
            msg = "an introspection answer about another token"
            raise Untrustworthy(msg)
        scope = answer.get("scope", "")
        named = read_scopes(scope) if isinstance(scope, str) else None
        if named is None:
            msg = "an introspection answer with a malformed `scope`"
            raise Untrustworthy(msg)
        # The issuer may have narrowed since; it can never widen what was signed.
        scopes = verified.scopes & named
        self._answers[digest] = (asked_at, scopes)
        while len(self._answers) > MAX_CACHED:
            self._answers.popitem(last=False)
        return scopes
