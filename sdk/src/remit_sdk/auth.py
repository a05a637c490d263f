"""`RemitAuth`: credentials for httpx2, httpx and requests that look after themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from remit_sdk.clock import Clock, SystemClock
from remit_sdk.consent import ConsentRequired
from remit_sdk.errors import OutOfScope, WrongResource
from remit_sdk.jose import AssertionKey
from remit_sdk.requests_hook import attach
from remit_sdk.routes import required
from remit_sdk.store import MemoryStore, TokenStore
from remit_sdk.strict import read_scopes, web_origin
from remit_sdk.token_endpoint import TokenEndpoint
from remit_sdk.token_source import GrantType, TokenSource, Wish
from remit_sdk.www_authenticate import bearer_challenge

if TYPE_CHECKING:

    class _OlderAuth:
        """Stands for `httpx.Auth`, whose methods are all overridden here."""

else:
    try:
        from httpx import Auth as _OlderAuth
    except ImportError:

        class _OlderAuth:
            """httpx is not installed, so nobody will ask."""


LOOPBACK_REDIRECT: Final = "http://127.0.0.1/callback"


class RemitAuth(httpx2.Auth, _OlderAuth):
    """An agent's credentials for one resource: pass it as `auth=` to httpx2, httpx or requests.

    Args:
        issuer: the issuer URL.
        client_id: the agent's client.
        resource: the URI of the API, as it is registered.
        scopes: what the agent asks for.
        client_secret: proves a confidential client.
        private_key: proves it better: PEM text or JWK of its `private_key_jwt` key.
        grant_type: `authorization_code` acts for a user, `client_credentials` for nobody.
        redirect_uri: where the user comes back to; a loopback address without port takes any port.
        store: where tokens live; `FileStore` lets parallel workers share one line.
        line: keeps several users of one agent apart in the store.
        purpose: why the calls are made; goes to the audit with each of them.
        addresses: other base URLs under which the same resource is reached.
        clock: the time; the machine's own when absent.
        transport: how the issuer is reached; the network when absent.

    Raises:
        ValueError: a setting is missing or cannot be meant.
    """

    def __init__(
        self,
        issuer: str,
        *,
        client_id: str,
        resource: str,
        scopes: str | Iterable[str],
        client_secret: str | None = None,
        private_key: str | bytes | Mapping[str, str | list[str]] | None = None,
        grant_type: GrantType = "authorization_code",
        redirect_uri: str = LOOPBACK_REDIRECT,
        store: TokenStore | None = None,
        line: str = "",
        purpose: str | None = None,
        addresses: Iterable[str] = (),
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        for url in (issuer, resource, *addresses):
            if web_origin(url) is None:
                msg = f"`{url}` is no https URL (http on loopback)"
                raise ValueError(msg)
        if client_secret is not None and private_key is not None:
            msg = "a client proves itself in one way: client_secret or private_key"
            raise ValueError(msg)
        used_clock = clock or SystemClock()
        endpoint = TokenEndpoint(
            issuer,
            client_id=client_id,
            client_secret=client_secret,
            private_key=AssertionKey.read(private_key) if private_key is not None else None,
            clock=used_clock,
            transport=transport,
        )
        if grant_type == "client_credentials" and not endpoint.confidential:
            msg = "client_credentials needs client_secret or private_key"
            raise ValueError(msg)
        wish = Wish(grant_type=grant_type, resource=resource, scopes=required(scopes), redirect_uri=redirect_uri)
        self._source = TokenSource(endpoint, wish, line=line, store=store or MemoryStore(), clock=used_clock)
        self._bases = (resource, *addresses)
        self._purpose = purpose

    def token(self, *, unlike: str | None = None) -> str:
        """Return an access token with some life left, for libraries that take a function.

        Raises:
            ConsentRequired: a user must allow it first.
            AgentStopped: somebody stopped this agent.
            Refused: the issuer said no.
            Unavailable: the issuer did not answer.
        """
        return self._source.get(unlike=unlike).access_token

    async def atoken(self, *, unlike: str | None = None) -> str:
        """Return an access token without blocking the event loop."""
        at_hand = self._source.fresh(unlike=unlike)
        if at_hand is not None:
            return at_hand.access_token
        # A thread outlives a cancelled task, so a rotation is stored whatever becomes of the caller.
        return await asyncio.to_thread(self.token, unlike=unlike)

    def consent(self, also: Iterable[str] = ()) -> ConsentRequired:
        """Return a consent request, for example for what `OutOfScope.missing` names."""
        return self._source.consent(frozenset(also))

    def check_address(self, url: str) -> None:
        """Refuse to carry the token anywhere but to its resource.

        Raises:
            WrongResource: the URL is not below the resource.
        """
        if not any(_below(url, base) for base in self._bases):
            msg = f"this token is for {self._bases[0]} only"
            raise WrongResource(msg)

    def dress(self, headers: MutableMapping[str, str], token: str) -> None:
        """Put the token, and the purpose unless the call has its own, into a request's headers."""
        headers["Authorization"] = f"Bearer {token}"
        if self._purpose is not None and "Remit-Purpose" not in headers:
            headers["Remit-Purpose"] = self._purpose

    def wants_retry(self, status: int, challenge: Mapping[str, str] | None) -> bool:
        """Say whether a new token can help.

        Raises:
            OutOfScope: only more consent can.
        """
        error = challenge.get("error") if challenge is not None else None
        if status == 403 and error == "insufficient_scope" and challenge is not None:
            needed = read_scopes(challenge.get("scope", "")) or frozenset()
            at_hand = self._source.fresh()
            has = read_scopes(at_hand.scope) if at_hand is not None else None
            raise OutOfScope(needed - (has or frozenset()), needed)
        return status == 401 and error == "invalid_token"

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Run the flow for a synchronous client of httpx2 or httpx."""
        self.check_address(str(request.url))
        token = self.token()
        self.dress(request.headers, token)
        response = yield request
        if self.wants_retry(response.status_code, _challenge(response)):
            renewed = self.token(unlike=token)
            if _repeatable(request):
                self.dress(request.headers, renewed)
                response = yield request
                self.wants_retry(response.status_code, _challenge(response))

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Run the flow for an asynchronous client of httpx2 or httpx."""
        self.check_address(str(request.url))
        token = await self.atoken()
        self.dress(request.headers, token)
        response = yield request
        if self.wants_retry(response.status_code, _challenge(response)):
            renewed = await self.atoken(unlike=token)
            if _repeatable(request):
                self.dress(request.headers, renewed)
                response = yield request
                self.wants_retry(response.status_code, _challenge(response))

    def __call__(self, request: Any) -> Any:
        """Serve requests, which calls its auth with the prepared request."""
        return attach(self, request)


def _challenge(response: Any) -> dict[str, str] | None:
    return bearer_challenge(response.headers.get_list("www-authenticate"))


def _repeatable(request: Any) -> bool:
    try:
        return isinstance(request.content, bytes)
    except (httpx2.StreamError, RuntimeError):
        return False  # a stream is gone once sent; the new token serves the next call


def _below(url: str, base: str) -> bool:
    if web_origin(url.split("#", 1)[0]) != web_origin(base):
        return False
    root = urlsplit(base).path.rstrip("/")
    path = urlsplit(url).path or "/"
    return path == root or path.startswith(f"{root}/")
