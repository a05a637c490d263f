"""Which issuers a guard trusts, and the one link it keeps to each of them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from remit_sdk.clock import Clock
from remit_sdk.decisions import Reporter
from remit_sdk.epochs import Epochs
from remit_sdk.feed import Feed
from remit_sdk.fetch import basic, fetch_object
from remit_sdk.introspect import Introspector
from remit_sdk.jwks import KeySet
from remit_sdk.metadata import metadata_url, read_endpoints
from remit_sdk.strict import web_origin

_SLUG: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
ENDPOINTS: Final = ("jwks_uri", "introspection_endpoint", "remit_feed_endpoint", "remit_decisions_endpoint")

CredentialPair = tuple[str, str]
Credentials = CredentialPair | Mapping[str, CredentialPair] | Callable[[str], CredentialPair | None]


@dataclass(frozen=True, slots=True)
class EveryTenant:
    """Every tenant of one Remit host: the base URL itself and `{base}/t/{slug}`."""

    base: str

    def names(self, issuer: str) -> bool:
        """Say whether the issuer is a tenant of this host."""
        if issuer == self.base:
            return True
        prefix = f"{self.base}/t/"
        return issuer.startswith(prefix) and _SLUG.fullmatch(issuer[len(prefix) :]) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedIssuers:
    """Who may vouch for a token, and how we prove to them who asks."""

    listed: tuple[str, ...]
    every: EveryTenant | None
    credentials: Callable[[str], CredentialPair | None]

    def pair(self, issuer: str) -> CredentialPair | None:
        """Return our credentials at an issuer; None means that it is not trusted here."""
        if issuer in self.listed or (self.every is not None and self.every.names(issuer)):
            return self.credentials(issuer)
        return None


def read_issuers(issuer: str | Iterable[str] | EveryTenant, credentials: Credentials) -> TrustedIssuers:
    """Check the configuration while the program starts.

    Raises:
        ValueError: an issuer is no https (or loopback) URL, or has no credentials.
    """
    every = issuer if isinstance(issuer, EveryTenant) else None
    if isinstance(issuer, EveryTenant):
        listed: tuple[str, ...] = ()
    else:
        listed = (issuer,) if isinstance(issuer, str) else tuple(issuer)
    for url in (*listed, *((every.base,) if every else ())):
        if web_origin(url) is None or "?" in url or url.endswith("/"):
            msg = f"`{url}` is no issuer: an https URL (http on loopback) without query or final slash"
            raise ValueError(msg)
    if every is None and not listed:
        msg = "a guard needs an issuer"
        raise ValueError(msg)
    look_up = _look_up(credentials, several=every is not None or len(listed) > 1)
    missing = [url for url in listed if look_up(url) is None]
    if missing:
        msg = f"no resource credentials for {', '.join(missing)}"
        raise ValueError(msg)
    return TrustedIssuers(listed=listed, every=every, credentials=look_up)


def _look_up(credentials: Credentials, *, several: bool) -> Callable[[str], CredentialPair | None]:
    if isinstance(credentials, tuple):
        if several:
            # A secret of one tenant would be shown to all the others.
            msg = "with several issuers, give credentials as a mapping from issuer to pair"
            raise ValueError(msg)
        pair = credentials
        if not all(pair):
            msg = "credentials are a pair: client id and secret of this resource"
            raise ValueError(msg)
        return lambda _: pair
    if isinstance(credentials, Mapping):
        return credentials.get
    return credentials


class IssuerLink:
    """Everything a guard knows of one issuer: keys, stops, and the way back."""

    def __init__(self, issuer: str, pair: CredentialPair, client: httpx2.AsyncClient, clock: Clock) -> None:
        auth = basic(pair)
        self.issuer = issuer
        self._client = client
        self._endpoints: dict[str, str] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self.keys = KeySet(self._fetch_keys, clock)
        self.epochs = Epochs()
        self.feed = Feed(
            client,
            endpoint=self._at("remit_feed_endpoint"),
            auth=auth,
            epochs=self.epochs,
            clock=clock,
        )
        self.introspector = Introspector(
            client,
            endpoint=self._at("introspection_endpoint"),
            auth=auth,
            clock=clock,
        )
        self.reporter = Reporter(
            client,
            endpoint=self._at("remit_decisions_endpoint"),
            auth=auth,
            clock=clock,
        )

    def start(self) -> None:
        """Begin to follow the feed and to send decisions."""
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self.feed.run(), name=f"remit feed {self.issuer}"),
                asyncio.create_task(self.reporter.run(), name=f"remit decisions {self.issuer}"),
            ]

    async def aclose(self) -> None:
        """End both tasks, then send what is left."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        await self.reporter.flush()

    async def endpoint(self, name: str) -> str:
        """Return one of the issuer's endpoints; the metadata is asked for once.

        Raises:
            Unavailable: it could not be read or must not be believed.
        """
        if not self._endpoints:
            document = await fetch_object(self._client, "GET", metadata_url(self.issuer))
            self._endpoints = read_endpoints(document, issuer=self.issuer, names=ENDPOINTS)
        return self._endpoints[name]

    def _at(self, name: str) -> Callable[[], Awaitable[str]]:
        return lambda: self.endpoint(name)

    async def _fetch_keys(self) -> Mapping[str, object]:
        return await fetch_object(self._client, "GET", await self.endpoint("jwks_uri"))
