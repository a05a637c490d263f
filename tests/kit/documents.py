"""Clients that a URL describes, seen from outside: what they ask, and an instance that can read about them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx

from remit.core.clients import Client
from remit.core.names import ClientId
from tests.kit.flows import ask, sign_in
from tests.kit.instance import Remit
from tests.kit.site import fetcher
from tests.kit.way_out import WayOut


@asynccontextmanager
async def fetching(remit: Remit, **kwargs: Any) -> AsyncIterator[Remit]:
    """Let an instance fetch what the site of a test publishes."""
    way = remit.deps.outbound
    assert isinstance(way, WayOut)
    before = way.to
    async with fetcher(remit.clock, **kwargs) as way.to:
        yield remit
    way.to = before


async def described(remit: Remit, url: str) -> Client:
    """Return the client of a document as a test's flows know it: under the name it has for everybody outside."""
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        client = await work.clients.get(ClientId(url))
    assert client is not None
    return replace(client, id=ClientId(url))


def asking(url: str, **changes: Any) -> dict[str, Any]:
    """Return a request in the name of a document that nobody has read yet."""
    return {
        "response_type": "code", "client_id": url, "redirect_uri": "http://127.0.0.1/callback", "state": "s",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "code_challenge_method": "S256",
        "scope": "read:calendar", "resource": "https://calendar.example/", **changes,
    }  # fmt: skip


async def knock(remit: Remit, url: str, **changes: Any) -> httpx.Response:
    """Ask in the name of a document, and return the page that comes."""
    async with remit.browser() as browser:
        return await ask(browser, remit.acme, asking(url, **changes))


async def read_consent(remit: Remit, url: str, **changes: Any) -> httpx.Response:
    async with remit.browser() as browser:
        return await sign_in(browser, await ask(browser, remit.acme, asking(url, **changes)))
