"""Act on for whoever calls a guarded API: exchange the token it was shown for one to the next API (RFC 8693)."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final

import httpx2

from remit_sdk.caller import Caller, current
from remit_sdk.clock import Clock, SystemClock
from remit_sdk.jose import AssertionKey, DpopKey
from remit_sdk.presenting import alone, headers_of
from remit_sdk.routes import required
from remit_sdk.store import TokenSet
from remit_sdk.strict import web_origin
from remit_sdk.token_endpoint import TokenEndpoint

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
KEPT: Final = 1_000
# A token that ends under way would cost a call; asking a little early costs nothing.
SPARE_SECONDS: Final = 5.0

_Wish = tuple[str, str, str]


class TokenExchange:
    """The client of an agent that answers at a guarded API.

    What it asks for names the user of the call at hand, this agent as its actor, and never more than the caller's own
    token holds. Tokens are kept in memory for as long as they live, by the token they came from. With `dpop=True` they
    are bound to a key of this object's own (RFC 9449), whatever the caller's token is bound to.

    Raises:
        ValueError: a setting is missing or cannot be meant.
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        client_secret: str | None = None,
        private_key: str | bytes | Mapping[str, str | list[str]] | None = None,
        dpop: bool = False,
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        if web_origin(issuer) is None:
            msg = f"`{issuer}` is no https URL (http on loopback)"
            raise ValueError(msg)
        if (client_secret is None) == (private_key is None):
            msg = "a client that exchanges tokens proves itself in one way: client_secret or private_key"
            raise ValueError(msg)
        self._clock = clock or SystemClock()
        self._endpoint = TokenEndpoint(
            issuer,
            client_id=client_id,
            client_secret=client_secret,
            private_key=AssertionKey.read(private_key) if private_key is not None else None,
            clock=self._clock,
            transport=transport,
        )
        self._key = DpopKey.generate() if dpop else None
        self._kept: OrderedDict[_Wish, TokenSet] = OrderedDict()
        self._lock = threading.Lock()

    def token(self, *, resource: str, scopes: str | Iterable[str], caller: Caller | None = None) -> str:
        """Return a bearer token for another API, on behalf of the caller at hand or of the one that is named.

        Raises:
            BoundToken: it needs a proof beside it; use `headers`.
            AgentStopped: somebody in the chain was stopped.
            Refused: the issuer said no; its words say which rule and what to change.
            Unavailable: the issuer did not answer.
            LookupError: this code does not run inside a guarded request, and no caller is named.
        """
        return alone(self._tokens(resource, scopes, caller))

    def headers(
        self,
        method: str,
        url: str,
        *,
        resource: str,
        scopes: str | Iterable[str],
        caller: Caller | None = None,
        nonce: str | None = None,
    ) -> dict[str, str]:
        """Return the headers of one request to another API: the token, and a proof that is good once where it is bound.

        `nonce` is what the API said in `DPoP-Nonce` when it answered 401 `use_dpop_nonce`.
        """
        tokens = self._tokens(resource, scopes, caller)
        return headers_of(tokens, method, url, now=self._clock.now(), nonce=nonce)

    def _tokens(self, resource: str, scopes: str | Iterable[str], caller: Caller | None) -> TokenSet:
        shown = caller or current()
        wanted = " ".join(sorted(required(scopes)))
        wish = (shown.presented, resource, wanted)
        at_hand = self._fresh(wish)
        if at_hand is not None:
            return at_hand
        answer = self._endpoint.ask(
            {
                "grant_type": GRANT_TYPE,
                "subject_token": shown.presented,
                "subject_token_type": ACCESS_TOKEN,
                "resource": resource,
                "scope": wanted,
            },
            key=self._key,
        )
        with self._lock:
            self._kept[wish] = answer
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return answer

    async def atoken(self, *, resource: str, scopes: str | Iterable[str], caller: Caller | None = None) -> str:
        """Return such a token without blocking the event loop."""
        # The thread runs in a copy of this context, so the caller at hand is the same there.
        return await asyncio.to_thread(self.token, resource=resource, scopes=scopes, caller=caller)

    def _fresh(self, wish: _Wish) -> TokenSet | None:
        with self._lock:
            found = self._kept.get(wish)
        return found if found is not None and self._clock.now() < found.expires_at - SPARE_SECONDS else None
