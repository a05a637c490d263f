"""The way to a consent page, by sign-in where nobody is signed in."""

from __future__ import annotations

from typing import Any

import httpx

from remit.core.clients import Client
from tests.kit.flows import ask, request_for, sign_in
from tests.kit.pages import text_of
from tests.kit.world import World


async def consent_of(
    browser: httpx.AsyncClient, world: World, client: Client | None = None, **changes: Any
) -> httpx.Response:
    page = await ask(browser, world, request_for(client or world.web, **changes))
    if page.url.path.endswith("/login"):
        page = await sign_in(browser, page)
    assert page.url.path.endswith("/consent"), text_of(page)
    return page
