"""My agents: what works for a user, and how he takes it back."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from remit.core.audit.events import SYSTEM
from remit.core.names import UserId
from remit.core.stops import Target, TargetKind
from remit.services.feed import read_feed
from remit.services.grant_changes import NO_GRANT, narrow, revoke_own
from remit.services.stops import place_stop
from tests.http.pages.well_formed import read
from tests.http.world import EVERYTHING, words


@pytest.mark.requirement("CON-6")
async def test_a_card_says_what_where_until_when(world):
    await world.consent(world.acme, "alice")
    answer = await (await world.browser(world.acme, "alice")).get("/account")
    assert read(answer.text).faults == []
    text = words(answer)
    for part in ("See your events and who attends", "Delete events for everybody", "Calendar", "Last used never"):
        assert part in text
    assert "Expires in 30 days" in text
    assert "Owned by dana@example.com" in text
    assert "<b>eduler" not in answer.text
    assert "No agent works for you yet" in words(await (await world.browser(world.acme, "bob")).get("/account"))


async def test_a_card_says_no_more_than_the_remit_still_allows(world):
    from remit.core.agents import ScopeKey
    from remit.services.provisioning.agents import publish_remit

    site = world.acme
    await world.consent(site, "alice")
    ceiling = frozenset({ScopeKey(site.resource.id, "read:calendar")})
    await publish_remit(site.tenant.id, world.deps, SYSTEM, agent=site.agent.id, scopes=ceiling)
    text = words(await (await world.browser(site, "alice")).get("/account"))
    assert "See your events and who attends" in text
    assert "Delete events" not in text


@pytest.mark.requirement("CON-6")
async def test_stop_ends_it_for_this_user_alone(world):
    site = world.acme
    alice, bob = await world.consent(site, "alice"), await world.consent(site, "bob")
    browser = await world.browser(site, "alice")
    answer = await browser.post(f"/account/agents/{await world.grant_of(site, 'alice')}/stop")
    assert "Stopped. That agent has to ask you again" in (await browser.http.get(answer.headers["location"])).text
    assert not (await world.introspect(site, alice.access))["active"]
    assert (await world.token(site, grant_type="refresh_token", refresh_token=alice.refresh)).error == "invalid_grant"
    assert (await world.introspect(site, bob.access))["active"]
    (event,) = [json.loads(body) for body in await world.events(site, "stop.placed")]
    assert event["who"]["actor"] == event["who"]["user"] == site.people["alice"].id
    assert event["who"]["agent"] == site.agent.id


async def test_stop_everything_ends_every_grant_of_the_user_and_no_other(world):
    site = world.acme
    alice, bob = await world.consent(site, "alice"), await world.consent(site, "bob")
    browser = await world.browser(site, "alice")
    answer = await browser.post("/account/stop-everything")
    assert "Everything is stopped" in (await browser.http.get(answer.headers["location"])).text
    assert not (await world.introspect(site, alice.access))["active"]
    assert (await world.introspect(site, bob.access))["active"]
    assert (await world.token(site, grant_type="client_credentials")).status == 200


async def test_a_grant_that_somebody_else_stopped_says_so(world):
    site = world.acme
    await world.consent(site, "alice")
    target = Target(TargetKind.AGENT, site.agent.id)
    who = (await _operator(site)).operator("user", site.people["dana"].id)
    await place_stop(site.tenant.id, target, world.deps, who, reason="being repaired")
    text = words(await (await world.browser(site, "alice")).get("/account"))
    assert "Stopped just now by dana@example.com: being repaired" in text


async def _operator(site):
    from remit.services.origin import Origin

    return Origin(peer=None, request=None)


async def test_what_is_unticked_ends_at_once_and_everywhere(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    assert tokens.scopes >= EVERYTHING
    async with world.deps.db.read(site.tenant.id) as work:
        epoch = await work.tenants.epoch()
    browser = await world.browser(site, "alice")
    page = await browser.get(f"/account/agents/{grant}/change")
    assert read(page.text).faults == []
    answer = await browser.post(f"/account/agents/{grant}/change", {"scope": ["read:calendar", "write:calendar"]})
    assert "and no more" in (await browser.http.get(answer.headers["location"])).text

    # The token still says the wider scopes, so it is refused: here, and by every guard that follows the feed.
    assert not (await world.introspect(site, tokens.access))["active"]
    (told,) = (await read_feed(site.tenant.id, epoch, world.deps)).stops
    assert told.target == Target(TargetKind.GRANT, grant)
    # The line lives: a refresh gets what is left, under an epoch that the feed does not refuse.
    again = await world.token(site, grant_type="refresh_token", refresh_token=tokens.refresh)
    assert again.scopes & EVERYTHING == {"read:calendar", "write:calendar"}
    claims = await world.introspect(site, again.access)
    assert claims["active"]
    assert claims["epo"] == told.epoch
    # Nothing is shown as stopped, and the event names what was taken back.
    assert "Active" in words(await browser.get("/account"))
    (event,) = [json.loads(body) for body in await world.events(site, "grant.narrowed")]
    assert event["what"] == {"scopes": ["read:calendar", "write:calendar"], "removed": ["delete:calendar"]}
    assert await world.events(site, "stop.placed") == []
    # What was taken back does not come back by itself.
    wider = await world.token(
        site, grant_type="refresh_token", refresh_token=again.refresh, scope="read:calendar delete:calendar"
    )
    assert "delete:calendar" not in wider.scopes


async def test_what_was_narrowed_can_still_be_stopped(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    browser = await world.browser(site, "alice")
    await browser.post(f"/account/agents/{grant}/change", {"scope": "read:calendar"})
    again = await world.token(site, grant_type="refresh_token", refresh_token=tokens.refresh)
    assert (await world.introspect(site, again.access))["active"]
    await browser.post(f"/account/agents/{grant}/stop")
    assert not (await world.introspect(site, again.access))["active"]
    assert (await world.token(site, grant_type="refresh_token", refresh_token=again.refresh)).error == "invalid_grant"
    assert "No agent works for you any more" in words(await browser.get("/account"))


async def test_the_use_case_itself_knows_whose_grant_it_is(world):
    site = world.acme
    await world.consent(site, "alice")
    grant, bob = await world.grant_of(site, "alice"), site.people["bob"].id
    keep, before = frozenset({"read:calendar"}), await world.size(site)
    for user in (bob, UserId("")):
        assert await narrow(site.tenant.id, grant, user, keep, world.deps, SYSTEM) == NO_GRANT
        assert await revoke_own(site.tenant.id, grant, user, world.deps, SYSTEM) == NO_GRANT
    assert await narrow(site.tenant.id, site.admin_grant, bob, keep, world.deps, SYSTEM) == NO_GRANT
    assert await world.size(site) == before


async def test_nothing_is_widened_by_a_form(world):
    site = world.acme
    await world.consent(site, "alice", frozenset({"read:calendar"}))
    grant = await world.grant_of(site, "alice")
    browser, before = await world.browser(site, "alice"), await world.size(site)
    for scopes in (["read:calendar", "delete:calendar"], ["agents:write"], ["read:calendar", "openid"]):
        assert (await browser.post(f"/account/agents/{grant}/change", {"scope": scopes})).status_code == 400
    assert await world.size(site) == before


async def test_leaving_everything_ticked_changes_nothing(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    async with world.deps.db.read(site.tenant.id) as work:
        held = (await work.grants.list(user=site.people["alice"].id))[0]
    browser, before = await world.browser(site, "alice"), await world.size(site)
    answer = await browser.post(f"/account/agents/{held.id}/change", {"scope": sorted(held.scopes)})
    assert answer.status_code == 303
    assert await world.size(site) == before
    assert (await world.introspect(site, tokens.access))["active"]


async def test_unticking_everything_asks_for_stop_instead(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    browser = await world.browser(site, "alice")
    answer = await browser.post(f"/account/agents/{grant}/change")
    assert "choose Stop" in answer.text
    assert (await world.introspect(site, tokens.access))["active"]


async def test_a_grant_that_is_over_cannot_be_changed(world):
    site = world.acme
    await world.consent(site, "alice")
    grant = await world.grant_of(site, "alice")
    browser = await world.browser(site, "alice")
    await browser.post(f"/account/agents/{grant}/stop")
    assert (await browser.get(f"/account/agents/{grant}/change")).status_code == 404
    assert (await browser.post(f"/account/agents/{grant}/change", {"scope": "read:calendar"})).status_code == 404


async def test_what_has_expired_is_no_longer_shown(world):
    site = world.acme
    await world.consent(site, "alice")
    world.clock.advance(timedelta(days=31))
    assert "No agent works for you any more" in words(await (await world.browser(site, "alice")).get("/account"))


@pytest.mark.parametrize("said", ["stopped", "all-stopped", "changed", "<script>"])
async def test_a_notice_is_shown_only_where_it_is_true(world, said):
    site = world.acme
    await world.consent(site, "alice")
    about = await world.grant_of(site, "alice") if said != "changed" else "grt_x"
    answer = await (await world.browser(site, "alice")).get(f"/account?said={said}&about={about}")
    assert 'class="notice"' not in answer.text


async def test_using_the_pages_keeps_the_session_alive(world):
    browser = await world.browser(world.acme, "alice")
    for _ in range(3):
        world.clock.advance(timedelta(hours=6))
        assert (await browser.get("/account")).status_code == 200
    world.clock.advance(timedelta(hours=8))
    assert (await browser.get("/account")).status_code == 303
