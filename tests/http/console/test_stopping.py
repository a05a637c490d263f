"""Whoever is found can be stopped beside it, from every row, and it is taken back with one more click."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from remit.core.stops import Target, TargetKind
from tests.http.world import words

STOP = re.compile(r'action="[^"]*/console/stops">\s*(.*?)</form>', re.DOTALL)
FIELD = re.compile(r'name="(\w+)" value="([^"]*)"')


def stops_in(page) -> list[dict[str, str]]:
    """Return what each Stop of a page would post."""
    return [{name: html.unescape(value) for name, value in FIELD.findall(form)} for form in STOP.findall(page.text)]


async def is_stopped(world, site, kind, id_) -> bool:
    async with world.deps.db.read(site.tenant.id) as work:
        stops = await work.stops.on([Target(TargetKind(kind), id_)])
    return any(stop.in_force(world.clock.now()) for stop in stops)


def named(site) -> dict[str, list[str]]:
    return {
        "agent": [site.agent.id, site.agent.name],
        "user": [site.people["alice"].id, "alice@example.com"],
        "client": [site.client.id, site.client.name],
        "resource": [site.resource.id, site.resource.uri],
    }


@pytest.mark.parametrize("kind", ["agent", "user", "client", "resource"])
async def test_search_and_one_click_stop_and_one_more_takes_it_back(world, kind):
    site = world.acme
    browser = await world.browser(site, "dana")
    id_ = named(site)[kind][0]
    for text in named(site)[kind]:
        page = await browser.http.get(browser.url("/console/search"), params={"q": text})
        (form,) = [form for form in stops_in(page) if form["kind"] == kind]
        done = await browser.post("/console/stops", form)
        shown = await browser.http.get(done.headers["location"])
        assert await is_stopped(world, site, kind, id_)
        assert "is stopped, everywhere." in shown.text
        assert kind not in [form["kind"] for form in stops_in(shown)]
        bar = shown.text.partition('class="notice"')[2].partition("</div>")[0]
        (undo,) = re.findall(r'action="[^"]*?(/console/stops/[^"]+/lift[^"]*)"', bar)
        back = await browser.post(html.unescape(undo))
        again = await browser.http.get(back.headers["location"])
        assert not await is_stopped(world, site, kind, id_)
        assert "The stop is lifted" in again.text
        assert (kind, id_) in [(form["kind"], form["id"]) for form in stops_in(again)]


async def test_undo_is_offered_for_ten_seconds_and_resume_for_ever(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    page = await browser.get(f"/console/search?q={site.agent.id}")
    done = await browser.post("/console/stops", stops_in(page)[0])
    for seconds, offered in ((10, True), (1, False)):
        world.clock.advance(timedelta(seconds=seconds))
        shown = (await browser.http.get(done.headers["location"])).text
        bar = shown.partition('class="notice"')[2].partition("</div>")[0]
        assert ("Undo" in bar, "is stopped, everywhere" in bar) == (offered, True)
        assert "Resume" in shown


PAGES = {
    "a resource": ("/console/resources", "resource"),
    "a client": ("/console/agents/{agent}/credentials", "client"),
    "an agent in the log": ("/console/audit?user=alice%40example.com&type=consent.given", "agent"),
    "an agent of an event": ("/console/audit/{event}", "agent"),
}


@pytest.mark.parametrize(("path", "kind"), PAGES.values(), ids=PAGES)
async def test_a_row_stops_what_it_shows_and_leads_back_to_it(world, path, kind):
    site = world.acme
    await world.consent(site, "alice")
    async with world.deps.db.read(site.tenant.id) as work:
        event = next(event for event in await work.events.after(-1, limit=999) if event.type == "consent.given")
    browser = await world.browser(site, "dana")
    page = await browser.get(path.format(agent=site.agent.id, event=event.id))
    form = next(form for form in stops_in(page) if form["kind"] == kind)
    done = await browser.post("/console/stops", form)
    shown = await browser.http.get(done.headers["location"])
    assert await is_stopped(world, site, kind, form["id"])
    assert str(shown.url).partition("said=")[0].rstrip("?&") == str(page.url)
    assert form["id"] not in [form["id"] for form in stops_in(shown)]
    auditor = await world.browser(site, "amir")
    assert stops_in(await auditor.get(path.format(agent=site.agent.id, event=event.id))) == []


async def test_what_is_denied_most_is_stopped_from_the_overview(world):
    site = world.acme
    await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    report = {"id": "d", "at": 1, "decision": "deny", "reason": "insufficient_scope", "method": "GET", "path": "/"}
    answer = await world.http().post(
        "/decisions",
        json={"decisions": [{**report, "status": 403, "required": ["delete:calendar"], "grant_id": grant}]},
        auth=(site.resource.id, site.resource_secret.reveal()),
    )
    assert answer.status_code == 202
    browser = await world.browser(site, "dana")
    (form,) = stops_in(await browser.get("/console"))
    await browser.post("/console/stops", form)
    assert await is_stopped(world, site, "agent", site.agent.id)


BACKS = ("https://evil.example/console", "//evil.example/console", "/account", "/consolex", "/console/../account", "")


async def test_nobody_is_led_out_of_the_console(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    for back in BACKS:
        done = await browser.post("/console/stops", {"kind": "agent", "id": site.agent.id, "back": back})
        where = done.headers["location"].partition("?")[0]
        assert where == "http://127.0.0.1:8700/console", back


async def test_what_is_final_or_unknown_is_stopped_by_no_row(world):
    site = world.acme
    await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    browser, before = await world.browser(site, "dana"), await world.size(site)
    for kind, id_, status in (
        ("grant", grant, 400),
        ("tenant", site.tenant.id, 400),
        ("", "", 400),
        ("agent", "agt_x", 404),
        ("client", world.globex.client.id, 404),
    ):
        assert (await browser.post("/console/stops", {"kind": kind, "id": id_})).status_code == status
    assert await world.size(site) == before


async def test_what_is_told_by_its_id_is_found(world):
    site = world.acme
    alice = await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    jti = (await world.introspect(site, alice.access))["jti"]
    async with world.deps.db.read(site.tenant.id) as work:
        event = (await work.events.after(-1, limit=1))[0]
    browser = await world.browser(site, "amir")
    for text, href in ((grant, f"about={grant}"), (jti, f"about={jti}"), (event.id, f"/console/audit/{event.id}")):
        assert href in (await browser.get(f"/console/search?q={text}")).text
    assert "scope=read%3Acalendar" in (await browser.get("/console/search?q=read:calendar")).text
    for text in ("nobody", world.globex.agent.id, "alice@example", "%20x"):
        assert "Nothing is called so" in words(await browser.get(f"/console/search?q={text}"))
