"""`RemitAuth`: credentials for httpx2, httpx and requests that look after themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Mapping, MutableMapping, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx2

from remit_sdk.clock import Clock, SystemClock
from remit_sdk.consent import ConsentRequired
from remit_sdk.errors import OutOfScope, WrongResource
from remit_sdk.jose import AssertionKey
from remit_sdk.presenting import alone, headers_of
from remit_sdk.requests_hook import attach
from remit_sdk.routes import required
from remit_sdk.step_up import asked_in
from remit_sdk.store import MemoryStore, TokenSet, TokenStore
from remit_sdk.strict import read_scopes, web_origin
from remit_sdk.token_endpoint import TokenEndpoint
from remit_sdk.token_source import GrantType, TokenSource, Wish
from remit_sdk.www_authenticate import told_challenge

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


class Retry(Enum):
    """What can help a request that was refused."""

    NEW_TOKEN = auto()
    NEW_PROOF = auto()

    @property
    def needs_token(self) -> bool:
        """Whether the token itself was refused."""
        return self is Retry.NEW_TOKEN


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
        dpop: whether tokens are bound to a key of this agent, so that nobody who steals one can use it (RFC 9449);
            where the issuer offers it when absent.
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
        dpop: bool | None = None,
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
        wish = Wish(
            grant_type=grant_type, resource=resource, scopes=required(scopes), redirect_uri=redirect_uri, dpop=dpop
        )
        self._source = TokenSource(endpoint, wish, line=line, store=store or MemoryStore(), clock=used_clock)
        self._bases = (resource, *addresses)
        self._purpose = purpose
        self._clock = used_clock
        # The newest nonce of each origin (RFC 9449 §8.2).
        self._nonces: dict[str | None, str] = {}

    def token(self, *, unlike: str | None = None) -> str:
        """Return a bearer token with some life left, for libraries that take a function.

        Raises:
            BoundToken: the token needs a proof beside it; make this with `dpop=False`, or use `headers`.
            ConsentRequired: a user must allow it first.
            AgentStopped: somebody stopped this agent.
            Refused: the issuer said no.
            Unavailable: the issuer did not answer.
        """
        return alone(self.tokens(unlike=unlike))

    async def atoken(self, *, unlike: str | None = None) -> str:
        """Return a bearer token without blocking the event loop."""
        return alone(await self._atokens(unlike=unlike))

    def headers(self, method: str, url: str) -> dict[str, str]:
        """Return the headers of one request, for libraries that take nothing else. A proof is good once.

        Raises:
            WrongResource: the URL is not below the resource.
        """
        self.check_address(url)
        made: dict[str, str] = {}
        self.dress(made, self.tokens(), method, url)
        return made

    def tokens(self, *, unlike: str | None = None) -> TokenSet:
        """Return the tokens at hand, renewed where they must be."""
        return self._source.get(unlike=unlike)

    async def _atokens(self, *, unlike: str | None = None) -> TokenSet:
        at_hand = self._source.fresh(unlike=unlike)
        if at_hand is not None:
            return at_hand
        # A thread outlives a cancelled task, so a rotation is stored whatever becomes of the caller.
        return await asyncio.to_thread(self.tokens, unlike=unlike)

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

    def dress(self, headers: MutableMapping[str, str], tokens: TokenSet, method: str, url: str) -> None:
        """Put the token, its proof, and the purpose unless the call has its own, into a request's headers."""
        nonce = self._nonces.get(web_origin(url.split("#", 1)[0]))
        headers.update(headers_of(tokens, method, url, now=self._clock.now(), nonce=nonce))
        if self._purpose is not None and "Remit-Purpose" not in headers:
            headers["Remit-Purpose"] = self._purpose

    def judge(self, url: str, status: int, nonce: str | None, challenges: Sequence[str]) -> Retry | None:
        """Say what can help after an answer, and keep the nonce that came with it (RFC 9449 §8.2, §9).

        Raises:
            OutOfScope: only more consent can.
            ConsentRequired: the user has to sign in again, more strongly or anew (RFC 9470 §5).
        """
        if nonce is not None:
            self._nonces[web_origin(url.split("#", 1)[0])] = nonce
        challenge = told_challenge(challenges)
        error = challenge.get("error") if challenge is not None else None
        if status == 403 and error == "insufficient_scope" and challenge is not None:
            needed = read_scopes(challenge.get("scope", "")) or frozenset()
            at_hand = self._source.fresh()
            has = read_scopes(at_hand.scope) if at_hand is not None else None
            raise OutOfScope(needed - (has or frozenset()), needed)
        if status == 401 and error == "insufficient_user_authentication" and challenge is not None:
            asked = asked_in(challenge)
            if asked is not None and self._source.for_users:
                raise self._source.consent(step_up=asked)
        if status == 401 and error == "invalid_token":
            return Retry.NEW_TOKEN
        return Retry.NEW_PROOF if status == 401 and error == "use_dpop_nonce" and nonce is not None else None

    def sync_auth_flow(self, request: Any) -> Generator[Any, Any, None]:
        """Run the flow for a synchronous client of httpx2 or httpx."""
        self.check_address(str(request.url))
        tokens, tried = self.tokens(), set[Retry]()
        while True:
            self.dress(request.headers, tokens, request.method, str(request.url))
            retry = self._judge(request, (yield request))
            if retry is None or retry in tried:
                return
            tried.add(retry)
            if retry.needs_token:
                tokens = self.tokens(unlike=tokens.access_token)
            if not _repeatable(request):
                return

    async def async_auth_flow(self, request: Any) -> AsyncGenerator[Any, Any]:
        """Run the flow for an asynchronous client of httpx2 or httpx."""
        self.check_address(str(request.url))
        tokens, tried = await self._atokens(), set[Retry]()
        while True:
            self.dress(request.headers, tokens, request.method, str(request.url))
            retry = self._judge(request, (yield request))
            if retry is None or retry in tried:
                return
            tried.add(retry)
            if retry.needs_token:
                tokens = await self._atokens(unlike=tokens.access_token)
            if not _repeatable(request):
                return

    def _judge(self, request: Any, response: Any) -> Retry | None:
        challenges = response.headers.get_list("www-authenticate")
        return self.judge(str(request.url), response.status_code, response.headers.get("dpop-nonce"), challenges)

    def __call__(self, request: Any) -> Any:
        """Serve requests, which calls its auth with the prepared request."""
        return attach(self, request)


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
