"""Many grants are taken back on a page that shows them first, and by whoever types how many they are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from remit.core.grants import GrantState
from tests.http.world import words


def fields_of(page) -> dict[str, str]:
    form = page.text.partition('<form class="stack narrow"')[2].partition("</form>")[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


async def states(world, site):
    async with world.deps.db.read(site.tenant.id) as work:
        return {
            grant.user and next(name for name, user in site.people.items() if user.id == grant.user): grant.state
            for grant in await work.grants.list(active=False)
        }


async def test_what_is_found_is_shown_typed_and_revoked(world):
    site = world.acme
    for person in ("alice", "bob"):
        await world.consent(site, person)
    browser = await world.browser(site, "dana")
    table = (await browser.get("/console/grants?user=alice%40example.com")).text
    (link,) = re.findall(r'href="([^"]*/console/grants/revoke\?[^"]*)"', table)
    page = await browser.http.get(link)
    assert "Ends 1 session of 1 agent and 1 user" in words(page)
    assert ("alice@" in words(page), "bob@" in page.text) == (True, False)
    sent = fields_of(page)
    before = await world.size(site)
    for typed, reason in (("2", "gone"), ("", "gone"), ("1", " ")):
        again = await browser.post("/console/grants/revoke", {**sent, "typed": typed, "reason": reason})
        assert (again.status_code, "Something needs another look" in again.text) == (200, True)
    assert await world.size(site) == before
    done = await browser.post("/console/grants/revoke", {**sent, "typed": "1", "reason": "gone"})
    assert "1 grant is revoked." in (await browser.http.get(done.headers["location"])).text
    active, revoked = GrantState.ACTIVE, GrantState.REVOKED
    assert await states(world, site) == {"alice": revoked, "bob": active, None: active}


async def test_other_grants_than_were_shown_are_not_revoked(world):
    site = world.acme
    await world.consent(site, "alice")
    browser = await world.browser(site, "dana")
    sent = fields_of(await browser.get(f"/console/grants/revoke?agent={site.agent.id}"))
    await world.consent(site, "bob")
    answer = await browser.post("/console/grants/revoke", {**sent, "typed": "2", "reason": "gone"})
    assert (answer.status_code, "Other grants are found now" in words(answer)) == (400, True)
    assert set((await states(world, site)).values()) == {GrantState.ACTIVE}


async def test_trim_to_used_is_two_clicks_from_the_agent(world):
    site = world.acme
    await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    world.clock.advance(timedelta(days=8))
    async with world.deps.db.work(site.tenant.id) as work:
        await work.decisions.count(grant, "read:calendar", permitted=True, at=world.clock.now())
    browser = await world.browser(site, "dana")
    tab = (await browser.get(f"/console/agents/{site.agent.id}/access")).text
    (link,) = re.findall(r'href="([^"]*/console/grants/trim\?[^"]*)"', tab)
    page = await browser.http.get(link)
    assert "Takes what nobody used from 1 agent of 1 user." in words(page)
    done = await browser.post("/console/grants/trim", {**fields_of(page), "reason": "least privilege"})
    assert "1 grant is trimmed" in (await browser.http.get(done.headers["location"])).text
    async with world.deps.db.read(site.tenant.id) as work:
        held = await work.grants.get(grant)
    assert held is not None
    assert held.scopes == {"read:calendar"}


@pytest.mark.parametrize("path", ["revoke", "trim"])
async def test_what_finds_everybodys_or_nobodys_offers_nothing(world, path):
    site = world.acme
    await world.consent(site, "alice")
    browser, auditor = await world.browser(site, "dana"), await world.browser(site, "amir")
    for query in ("", "?user=nobody@example.com", "?state=revoked"):
        page = await browser.get(f"/console/grants/{path}{query}")
        assert ("Nothing to take back" in page.text, fields_of(page)) == (True, {})
    assert fields_of(await auditor.get(f"/console/grants/{path}?user=alice%40example.com")) == {}
