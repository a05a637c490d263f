"""My activity, and the choice between light and dark."""

from __future__ import annotations

import pytest

from tests.http.world import BASE, words


async def test_a_user_sees_what_agents_did_for_him_and_nobody_elses(world):
    site = world.acme
    await world.consent(site, "alice")
    everything = words(await (await world.browser(site, "alice")).get("/account/activity"))
    assert "Got access" in everything
    assert "You allowed it" in everything
    calls = words(await (await world.browser(site, "alice")).get("/account/activity?show=calls"))
    assert ("Got access" in calls, "You allowed it" in calls) == (True, False)
    changes = words(await (await world.browser(site, "alice")).get("/account/activity?show=changes"))
    assert ("Got access" in changes, "You allowed it" in changes) == (False, True)
    assert "Nothing here yet" in words(await (await world.browser(site, "bob")).get("/account/activity"))


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_a_theme_is_chosen_without_scripts_and_leads_back_to_the_page(world, theme):
    browser = await world.browser(world.acme, "dana")
    assert "data-theme" not in (await browser.get("/console/agents")).text
    answer = await browser.post("/account/theme", {"theme": theme, "back": "/console/agents?show=stopped"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"{BASE}/console/agents?show=stopped")
    page = (await browser.get("/console/agents")).text
    assert f'<html lang="en" data-theme="{theme}">' in page
    assert page.count('aria-pressed="true"') == 1
    await browser.post("/account/theme", {"theme": "", "back": "/account"})
    assert "data-theme" not in (await browser.get("/console/agents")).text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example", "", "\r\nx: y"])
async def test_choosing_a_theme_leads_nowhere_else(world, back):
    browser = await world.browser(world.acme, "dana")
    answer = await browser.post("/account/theme", {"theme": "dark", "back": back})
    assert answer.headers["location"] == f"{BASE}/account"


async def test_a_theme_that_is_none_is_never_written_into_a_page(world):
    browser = await world.browser(world.acme, "dana")
    browser.http.cookies.set("remit_default.theme", '"><script>', domain="127.0.0.1")
    assert "data-theme" not in (await browser.get("/console")).text
    answer = await browser.post("/account/theme", {"theme": "purple"})
    assert "purple" not in answer.headers.get("set-cookie", "")
