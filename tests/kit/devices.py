"""The device flow, step by step: a device asks, its user answers in a browser, and the device polls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx

from remit.core.clients import Client, GrantType
from remit.services.asking import choose_asking
from remit.services.provisioning.changes import change_client
from tests.kit.flows import answered, proof, token, visit
from tests.kit.instance import Remit
from tests.kit.pages import follow, form_to, submit
from tests.kit.world import CALENDAR, SEEDER, World, sure

DEVICE_CODE = GrantType.DEVICE_CODE.value


async def let_devices(remit: Remit, world: World, *clients: Client) -> None:
    """Turn the device flow on, and let clients use it: without any named, `web` and `local`."""
    await choose_asking(world.tenant.id, remit.deps, SEEDER, device_flow=True)
    for client in clients or (world.web, world.local):
        wanted = replace(client, grant_types=client.grant_types | {GrantType.DEVICE_CODE})
        sure(await change_client(world.tenant.id, remit.deps, SEEDER, wanted))


async def ask_for_codes(remit: Remit, world: World, client: Client, /, **fields: Any) -> httpx.Response:
    """Ask in the name of a client; a field that is None is left out."""
    shown = proof(remit, world, client)
    asked = {"scope": "read:calendar write:calendar", "resource": CALENDAR, **fields}
    data = {**{name: value for name, value in asked.items() if value is not None}, **shown.pop("data", {})}
    return await remit.http.post(f"{world.issuer}/oauth/device_authorization", data=data, **shown)


async def codes(remit: Remit, world: World, client: Client, /, **fields: Any) -> dict[str, Any]:
    answer = await ask_for_codes(remit, world, client, **fields)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def type_in(browser: httpx.AsyncClient, world: World, code: str) -> httpx.Response:
    """Type a code in, as somebody who is signed in, and return the page that follows."""
    page = await browser.get(f"{world.issuer}/device")
    form = form_to(page, "/device")
    form.put("user_code", code)
    return await submit(browser, page, form)


async def go_on(browser: httpx.AsyncClient, page: httpx.Response, decision: str = "go") -> httpx.Response:
    """Answer the question whether one has started it oneself."""
    form = form_to(page, "/device/answer")
    form.put("decision", decision)
    return await follow(browser, await submit(browser, page, form))


async def to_consent(browser: httpx.AsyncClient, world: World, code: str) -> httpx.Response:
    return await go_on(browser, await type_in(browser, world, code))


async def answer_device(
    remit: Remit,
    world: World,
    code: str,
    decision: str = "allow",
    *,
    browser: httpx.AsyncClient | None = None,
    email: str = "alice@example.com",
    away: str = "yes",
) -> httpx.Response:
    """Walk a user from sign-in to the last page. `browser`: one in which he is signed in already."""
    async with remit.browser() as fresh:
        if browser is None:
            await visit(fresh, world, email)
        using = browser or fresh
        page = await to_consent(using, world, code)
        return await submit(using, page, answered(page, decision, away=away))


async def poll(remit: Remit, world: World, client: Client, device_code: str, /, **fields: Any) -> httpx.Response:
    return await token(remit, world, client, **{"grant_type": DEVICE_CODE, "device_code": device_code, **fields})
