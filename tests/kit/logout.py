"""Sign-out as clients ask for it and hear of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx

from remit.core.clients import Logout
from remit.services.provisioning.changes import change_client
from remit.worker import Teller
from tests.kit.flows import get_tokens
from tests.kit.instance import Remit
from tests.kit.site import Site
from tests.kit.world import SEEDER, World, sure

BYE = "https://app.example/bye"


async def with_logout(remit: Remit, world: World | None = None, **places: Any) -> World:
    """Let the confidential client register where it takes part in sign-out."""
    world = world or remit.acme
    wanted = replace(world.web, logout=Logout(**{"redirect_uris": (BYE,), **places}))
    return replace(world, web=sure(await change_client(world.tenant.id, remit.deps, SEEDER, wanted)))


async def logged_in(remit: Remit, world: World, browser: httpx.AsyncClient, **changes: Any) -> str:
    """Let Alice sign in to the client, and return her id token."""
    asked = {"scope": "openid read:calendar", **changes}
    return str((await get_tokens(remit, world, world.web, browser=browser, **asked))["id_token"])


async def end_session(browser: httpx.AsyncClient, world: World, **asked: str) -> httpx.Response:
    return await browser.get(f"{world.issuer}/oauth/end-session", params=asked)


async def tell(remit: Remit) -> None:
    """Let the worker take its turn."""
    await Teller(remit.deps).tell()


def told(site: Site) -> list[str]:
    """Return the logout tokens that arrived."""
    return [parse_qs(body, strict_parsing=True)["logout_token"][0] for body in site.bodies]
