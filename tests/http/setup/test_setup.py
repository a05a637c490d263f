"""The first-run page: one link, once, for one administrator."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from remit.app import build
from remit.opening import open_deps
from remit.services.provisioning.setup import create_setup_link
from remit.services.provisioning.tenants import create_tenant
from tests.http.world import BASE, HERE, HandClock, World, csrf_in, settings_in, words

GOOD = {
    "name": "Dana Okafor",
    "email": "dana@example.com",
    "password": "four words are enough",
    "password_again": "four words are enough",
}


@pytest.fixture
async def fresh(tmp_path):
    """An instance that nobody can sign in to yet."""
    settings, clock = settings_in(tmp_path), HandClock()
    async with open_deps(settings, clock=clock) as deps:
        tenant = await create_tenant(deps, HERE, slug="default", name="Remit", base_url=BASE)
        app, _ = build(deps, settings)
        world = World(deps, clock, app, None, None)  # type: ignore[arg-type]  # nobody lives here yet
        yield world, tenant
        await world.close()


async def link(world) -> str:
    return (await create_setup_link(world.deps, BASE)).removeprefix(BASE)


async def send(client, path, **changed):
    page = await client.get(path)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    fields = {"csrf": csrf_in(page.text), "token": token[1] if token else "", **GOOD, **changed}
    return await client.post("/setup", data=fields, headers={"origin": BASE})


async def test_a_good_link_makes_the_first_administrator_and_signs_him_in(fresh):
    world, _ = fresh
    client, path = world.http(), await link(world)
    answer = await send(client, path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/console")
    overview = await client.get("/console")
    assert "Dana Okafor" in overview.text
    assert "Make an administrator" in words(overview)
    # Once: neither this link nor another one works again, and nobody learns more than that.
    for again in (path, await link(world)):
        page = await world.http().get(again)
        assert page.status_code == 404
        assert "This setup link does not work" in words(page)


MISTAKES = {
    "two passwords": ({"password_again": "four other words here"}, "Type the same password twice"),
    "a short password": ({"password": "short", "password_again": "short"}, "at least 12 characters"),
    "no address": ({"email": "dana"}, "must look like name@example.com"),
    "no name": ({"name": " "}, "a name"),
}


@pytest.mark.parametrize(("changed", "said"), MISTAKES.values(), ids=MISTAKES)
async def test_a_mistake_is_named_and_uses_nothing_up(fresh, changed, said):
    world, _ = fresh
    client, path = world.http(), await link(world)
    answer = await send(client, path, **changed)
    assert answer.status_code == 200
    assert said in words(answer)
    assert "four" not in answer.text
    assert (await send(client, path)).status_code == 303


async def test_a_link_ends_after_half_an_hour(fresh):
    world, _ = fresh
    client, path = world.http(), await link(world)
    page = await client.get(path)
    world.clock.advance(timedelta(minutes=30))
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    fields = {"csrf": csrf_in(page.text), "token": token[1] if token else "", **GOOD}
    assert (await client.post("/setup", data=fields, headers={"origin": BASE})).status_code == 404
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("query", ["", "?token=", "?token=rmt_su_x", "?token=a&token=b"])
async def test_a_guessed_link_shows_no_form(fresh, query):
    world, _ = fresh
    answer = await world.http().get(f"/setup{query}")
    assert answer.status_code in {400, 404}
    assert "password" not in words(answer)


async def test_a_form_from_elsewhere_makes_nobody(fresh):
    world, tenant = fresh
    client, path = world.http(), await link(world)
    page = await client.get(path)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    for csrf, origin in ((csrf_in(page.text), "https://evil.example"), ("x", BASE)):
        fields = {"csrf": csrf, "token": token[1], **GOOD}
        assert (await client.post("/setup", data=fields, headers={"origin": origin})).status_code == 403
    async with world.deps.db.read(tenant.id) as work:
        assert await work.users.list() == ()


async def test_only_the_first_tenant_has_a_setup(fresh):
    world, _ = fresh
    await create_tenant(world.deps, HERE, slug="globex", name="Globex", base_url=BASE)
    good = await link(world)
    assert (await world.http().get(f"/t/globex{good}")).status_code == 404
    assert (await world.http().get(good)).status_code == 200
