"""What administrators govern from the console: lifetimes, keys, credentials; and how they find who may do what."""

from __future__ import annotations

import re
from datetime import timedelta

from remit.core.keys import KeyState
from remit.core.names import Prefix
from remit.core.stops import Target, TargetKind
from remit.ports.work import EventFilter
from remit.services.stops import place_stop
from tests.http.world import words
from tests.kit.flows import claims_of


async def landed(browser, answer) -> str:
    assert answer.status_code == 303
    return words(await browser.http.get(answer.headers["location"]))


async def test_lifetimes_are_saved_and_hold_for_the_next_token(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    typed = {"access_seconds": "300", "refresh_idle_days": "", "refresh_absolute_days": "30"}
    assert "The lifetimes below hold" in await landed(browser, await browser.post("/console/settings/lifetimes", typed))
    page = (await browser.get("/console/settings")).text
    assert 'name="access_seconds" autocomplete="off" maxlength="6" value="300"' in page
    claims = claims_of((await world.token(site, grant_type="client_credentials")).access)
    assert claims["exp"] - claims["iat"] == 300
    assert "30 days" in words(await (await world.browser(site, "amir")).get("/console/settings"))


async def test_a_lifetime_that_cannot_be_is_told_at_its_field_and_nothing_is_saved(world):
    browser, before = await world.browser(world.acme, "dana"), await world.size(world.acme)
    wrong = {
        "access_seconds": ("1801", "Access tokens live 60 to 1800 seconds."),
        "refresh_idle_days": ("91", "Every line ends after 90 days: the limit of unused ones is below."),
        "refresh_absolute_days": ("soon", "Write a whole number, or leave it empty."),
    }
    for name, (text, said) in wrong.items():
        page = (await browser.post("/console/settings/lifetimes", {name: text})).text
        assert f'<a href="#field-{name}">{said}</a>' in page
        assert f'value="{text}"' in page
        assert page.count('aria-invalid="true"') == 1
    assert await world.size(world.acme) == before


async def test_keys_are_rotated_once_and_not_before_everybody_knows_the_next(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    assert "New keys sign from now on" in await landed(browser, await browser.post("/console/settings/rotate"))
    async with world.deps.db.read(site.tenant.id) as work:
        assert any(key.state is KeyState.RETIRING for key in await work.keys.all())
    again = await browser.post("/console/settings/rotate")
    assert "was published less than 5 minutes ago" in words(again)


async def test_a_secret_is_rolled_in_two_clicks_shown_once_and_revoked_in_one(world):
    site = world.globex
    browser = await world.browser(site, "carol")
    async with world.deps.db.work(site.tenant.id) as work:
        older, _ = await work.clients.secrets(site.client.id)
        await work.clients.end_secret(site.client.id, older.id, at=world.clock.now())
    # One click opens the tab, the second rolls.
    tab = (await browser.get(f"/console/agents/{site.agent.id}/credentials")).text
    (roll,) = re.findall(r'action="[^"]*(/console/clients/[^"]+/roll)"', tab)
    shown = await browser.post(roll)
    (secret,) = re.findall(r"rmt_cs_[\w.-]+", shown.text)
    assert shown.headers["cache-control"] == "no-store"
    tab = (await browser.get(f"/console/agents/{site.agent.id}/credentials")).text
    assert secret not in tab
    ends = re.findall(r'action="[^"]*(/console/clients/[^"]+/revoke)"', tab)
    assert len(ends) == 2
    async with world.deps.db.read(site.tenant.id) as work:
        newest = max(secret.id for secret in await work.clients.secrets(site.client.id))
    (old,) = [action for action in ends if newest not in action]
    assert "That credential is over" in await landed(browser, await browser.post(old))
    assert (await world.token(site, grant_type="client_credentials")).error == "invalid_client"


async def test_who_may_do_something_is_one_click_away(world):
    site = world.acme
    await world.consent(site, "alice", frozenset({"read:calendar"}))
    browser = await world.browser(site, "dana")
    page = (await browser.get("/console/resources")).text
    links = re.findall(r'href="([^"]*/console/grants\?[^"]*scope=read%3Acalendar[^"]*)"', page)
    assert links
    text = words(await browser.http.get(links[0].replace("&amp;", "&")))
    assert ("alice@" in text, "bob@" in text) == (True, False)
    assert site.agent.id in page


async def test_agents_are_found_by_how_they_stand(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    rows = f"/console/agents/{site.agent.id}"

    async def shows(show: str) -> bool:
        return rows in (await browser.get(f"/console/agents?show={show}")).text

    assert [await shows(show) for show in ("active", "stopped", "retired", "no-owner", "unused")] == [
        *(True, False, False, False, False),
    ]
    await place_stop(
        site.tenant.id, Target(TargetKind.AGENT, site.agent.id), world.deps, await who(site), reason="INC-42"
    )
    assert [await shows(show) for show in ("active", "stopped")] == [False, True]
    world.clock.advance(timedelta(days=31))
    browser = await world.browser(site, "dana")
    assert await shows("unused")
    assert await shows("what nobody made up")


async def who(site):
    from remit.services.origin import Origin

    return Origin(peer=None, request=None).operator("user", site.people["dana"].id)


async def test_grants_are_narrowed_by_whom_where_what_and_state(world):
    site = world.acme
    await world.consent(site, "alice", frozenset({"read:calendar"}))
    await world.consent(site, "bob")
    browser = await world.browser(site, "dana")

    async def found(query: str) -> set[str]:
        page = (await browser.get(f"/console/grants?{query}")).text
        rows = page.partition("<tbody")[2]
        return {name for name in ("alice", "bob", "itself") if name in rows}

    assert await found("") == {"alice", "bob", "itself"}
    assert await found("user=alice@example.com") == {"alice"}
    assert await found("scope=delete:calendar") == {"bob"}
    assert await found(f"agent={site.agent.id}&user={site.people['bob'].id}") == {"bob"}
    assert await found("resource=https://calendar.example&state=active") == {"alice", "bob", "itself"}
    assert await found("state=revoked") == set()
    assert await found("user=nobody@example.com") == set()


async def test_an_event_shows_what_it_stands_on_down_to_the_yes(world):
    site = world.acme
    await world.consent(site, "alice", frozenset({"read:calendar"}))
    await place_stop(
        site.tenant.id, Target(TargetKind.AGENT, site.agent.id), world.deps, await who(site), reason="INC-42"
    )
    async with world.deps.db.read(site.tenant.id) as work:
        (issued,) = await work.events.page(EventFilter(type="token.issued", user=site.people["alice"].id), limit=1)
        (given,) = await work.events.page(EventFilter(type="consent.given"), limit=1)
        (grant,) = await work.grants.list(user=site.people["alice"].id)
        (line,) = await work.lines.list(grant.id)
    browser = await world.browser(site, "dana")
    page = (await browser.get(f"/console/audit/{issued.id}")).text
    for part in ("Token", "Line", "Grant", "Consent"):
        assert f"<strong>{part}</strong>" in page
    assert f"/console/audit/{given.id}" in page
    assert "INC-42" in page
    jti = re.findall(rf"about=({Prefix.TOKEN}_\w+)", page)[0]
    for about, least in ((jti, "token.issued"), (line.id, "consent.given"), (grant.id, "consent.given")):
        rows = (await browser.get(f"/console/audit?about={about}")).text.partition("<tbody")[2]
        assert least in rows
        assert "user.signed_in" not in rows
    assert "No event matches" in (await browser.get("/console/audit?about=tok_x")).text


async def test_what_an_agent_did_and_what_was_done_to_it_are_two_tabs(world):
    site = world.acme
    await world.consent(site, "alice")
    browser = await world.browser(site, "dana")
    activity = (await browser.get(f"/console/agents/{site.agent.id}/activity")).text
    history = (await browser.get(f"/console/agents/{site.agent.id}/history")).text
    assert ("token.issued" in activity, "consent.given" in activity) == (True, False)
    assert ("token.issued" in history, "consent.given" in history, "remit.published" in history) == (False, True, True)


async def test_an_agent_is_stopped_by_one_click_and_resumed_by_one(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    for tab in ("", "/access", "/activity", "/credentials", "/history"):
        page = (await browser.get(f"/console/agents/{site.agent.id}{tab}")).text
        (stop,) = re.findall(r'action="[^"]*(/console/agents/[^"]+/stop)"', page)
        answer = await browser.post(stop)
        page = (await browser.http.get(answer.headers["location"])).text
        bar = page.partition('class="notice"')[2].partition("</div>")[0]
        (undo,) = re.findall(r'action="[^"]*(/console/agents/[^"]+/resume)"', bar)
        assert "may work again" in await landed(browser, await browser.post(undo))
