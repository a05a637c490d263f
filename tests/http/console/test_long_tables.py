"""Tables of any length are read a part at a time: everything once, in order, also what is rare in them."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from remit.core.audit.events import SYSTEM
from remit.core.resources import Risk, Scope
from remit.services import catalogue, overview, tables
from remit.services.provisioning.agents import create_agent
from remit.services.provisioning.resources import create_resource


@pytest.fixture
async def many(world, monkeypatch):
    """Seven agents, of which the sixth has no owner, in parts of two, of which two are looked at for each page."""
    monkeypatch.setattr(tables, "PAGE", 2)
    monkeypatch.setattr(tables, "LOOKED", 4)
    site = world.acme
    dana = site.people["dana"].id
    for number in range(1, 7):
        world.clock.advance(timedelta(seconds=1))
        owner = None if number == 5 else dana
        await create_agent(site.tenant.id, world.deps, SYSTEM, name=f"agent-{number}", purpose="p", owner=owner)
    return await world.browser(site, "dana")


async def pages(browser, path, rel):
    """Return what each page from this one on shows, and its address."""
    found, url = [], browser.url(path)
    for _ in range(20):
        text = (await browser.http.get(url)).text
        found.append((re.findall(r"agent-\d", "".join(re.findall(r'class="open"[^>]*>(.*?)</a>', text))), url, text))
        more = re.findall(rf'href="([^"]*)" rel="{rel}"', text)
        if not more:
            return found
        url = html.unescape(more[0])
    raise AssertionError("the pages do not end")


async def test_every_agent_is_on_one_page(many):
    there = await pages(many, "/console/agents", "next")
    names = [name for found, _, _ in there for name in found]
    assert (names, len(there)) == ([f"agent-{number}" for number in range(1, 7)], 4)
    back = await pages(many, there[-1][1].removeprefix("http://127.0.0.1:8700"), "prev")
    assert [found for found, _, _ in back] == [found for found, _, _ in reversed(there)]


async def test_what_is_rare_is_found_further_on(many):
    first, second = await pages(many, "/console/agents?show=no-owner", "next")
    assert (first[0], "None so far" in first[2]) == ([], True)
    assert second[0] == ["agent-5"]
    (nobody,) = (await pages(many, "/console/agents?show=retired", "next"))[1:]
    assert "No agent like that" in nobody[2]


async def test_every_grant_is_on_one_page(world, monkeypatch):
    monkeypatch.setattr(tables, "PAGE", 1)
    for person in ("alice", "bob"):
        await world.consent(world.acme, person)
    browser = await world.browser(world.acme, "dana")
    url, shown = browser.url("/console/grants"), []
    while url:
        text = (await browser.http.get(url)).text
        shown += re.findall(r"(alice|bob|The agent itself)", text.partition("<tbody")[2].partition("</tbody")[0])
        url = html.unescape("".join(re.findall(r'href="([^"]*)" rel="next"', text)))
    assert sorted(shown) == ["The agent itself", "alice", "bob"]


async def test_every_resource_is_on_one_page_and_the_own_api_on_the_last(world, monkeypatch):
    monkeypatch.setattr(catalogue, "PAGE", 2)
    monkeypatch.setattr(catalogue, "COUNTED", 1)
    site = world.acme
    scope = Scope(name="a", sentence="Do a", risk=Risk.READ)
    for number in range(4):
        world.clock.advance(timedelta(seconds=1))
        uri = f"https://api-{number}.example/"
        await create_resource(site.tenant.id, world.deps, SYSTEM, uri=uri, name=f"api-{number}", scopes=(scope,))
    await world.consent(site, "alice")
    browser = await world.browser(site, "dana")
    url, shown = browser.url("/console/resources"), []
    while url:
        text = (await browser.http.get(url)).text
        assert "each number is the least there is" in text
        shown.append(re.findall(r'<section class="stack" aria-label="([^"]*)"', text))
        url = html.unescape("".join(re.findall(r'href="([^"]*)" rel="next"', text)))
    assert shown[:-1] == [["Calendar", "api-0"], ["api-1", "api-2"]]
    assert (shown[-1][0], len(shown[-1])) == ("api-3", 2)


async def test_the_overview_counts_so_far_and_says_that_there_are_more(world, monkeypatch):
    site = world.acme
    await world.consent(site, "alice")
    browser = await world.browser(site, "dana")
    tiles = re.compile(r'<a class="tile"[^>]*><b>([^<]*)</b>')
    exact = tiles.findall((await browser.get("/console")).text)
    monkeypatch.setattr(overview, "COUNTED", 1)
    assert (exact[:2], tiles.findall((await browser.get("/console")).text)[:2]) == (["1", "2"], ["1", "1+"])
