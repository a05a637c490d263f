"""GET and POST /oauth/end-session: sign-out that a client asks for (OpenID Connect RP-Initiated Logout)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.core.clients import Logout
from tests.kit.flows import ask, get_tokens, refresh, request_for, sign_in, visit
from tests.kit.logout import BYE, end_session, logged_in, with_logout
from tests.kit.pages import form_to, submit, text_of
from tests.kit.registering import let_in, register
from tests.kit.world import OTHER_CALLBACK


async def signed_in(browser, world):
    """Say whether somebody is, by what an address for him answers."""
    return (await browser.get(f"{world.issuer}/account")).status_code == 200


@pytest.mark.requirement("LOGO-1", "LOGO-7")
async def test_with_a_hint_nobody_is_asked(remit):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        gone, events = await remit.events_of(
            world,
            end_session(browser, world, id_token_hint=hint, post_logout_redirect_uri=BYE, state="a b&c"),
        )
        assert (gone.status_code, gone.headers["location"]) == (303, f"{BYE}?state=a+b%26c")
        assert not await signed_in(browser, world)
    assert "user.signed_out" in [event["type"] for event in events]


@pytest.mark.requirement("LOGO-1")
async def test_a_hint_may_be_old(remit):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        remit.clock.forward(hours=1)
        gone = await end_session(browser, world, id_token_hint=hint)
        assert (gone.status_code, "signed out" in text_of(gone)) == (200, True)
        assert not await signed_in(browser, world)


@pytest.mark.requirement("LOGO-1")
async def test_a_form_of_another_site_does_the_same(remit):
    """Browsers send our cookie with no form of another site, so it is carried on by an address."""
    world = await with_logout(remit)
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        asked = {"id_token_hint": hint, "post_logout_redirect_uri": BYE, "other": "x"}
        on = await remit.http.post(f"{world.issuer}/oauth/end-session", data=asked)
        assert (on.status_code, "other" in on.headers["location"]) == (303, False)
        gone = await browser.get(on.headers["location"])
        assert gone.headers["location"] == BYE
        assert not await signed_in(browser, world)
    long = {"id_token_hint": "x" * 9000}
    assert (await remit.http.post(f"{world.issuer}/oauth/end-session", data=long)).status_code == 400


UNSURE = {
    "no hint": {},
    "no hint, but a client": {"client_id": "web"},
    "a hint that is broken": {"id_token_hint": "a.b.c"},
    "a hint of somebody else": {"id_token_hint": "mallory"},
    "an access token": {"id_token_hint": "access"},
}


@pytest.mark.requirement("LOGO-1")
@pytest.mark.parametrize("asked", UNSURE.values(), ids=UNSURE)
async def test_without_a_good_hint_the_user_is_asked(remit, asked):
    world = await with_logout(remit)
    asked = dict(asked)
    async with remit.browser() as browser, remit.browser() as other:
        if asked.get("id_token_hint") == "mallory":
            page = await ask(other, world, request_for(world.web))
            await sign_in(other, page, "mallory@example.com")
            asked["id_token_hint"] = await logged_in(remit, world, other)
        await logged_in(remit, world, browser)
        if asked.get("id_token_hint") == "access":
            asked["id_token_hint"] = (await get_tokens(remit, world, world.web, browser=browser))["access_token"]
        if "client_id" in asked:
            asked["client_id"] = world.web.id
        page = await end_session(browser, world, **asked)
        assert (page.status_code, "Sign out of Acme?" in text_of(page)) == (200, True)
        assert await signed_in(browser, world)
        gone = await submit(browser, page, form_to(page, "/logout"))
        assert (gone.status_code, "You are signed out" in text_of(gone)) == (200, True)
        assert not await signed_in(browser, world)


@pytest.mark.requirement("LOGO-1")
async def test_who_confirmed_goes_where_the_client_registered(remit):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await end_session(browser, world, client_id=world.web.id, post_logout_redirect_uri=BYE, state="s")
        assert "Then you go to app.example" in text_of(page)
        assert "form-action 'self' https://app.example" in page.headers["content-security-policy"]
        gone = await submit(browser, page, form_to(page, "/logout"))
        assert (gone.status_code, gone.headers["location"]) == (303, f"{BYE}?state=s")


async def test_what_is_confirmed_is_what_was_asked_in_this_browser(remit):
    world = await with_logout(remit)
    async with remit.browser() as browser, remit.browser() as other:
        await visit(browser, world)
        await visit(other, world, "mallory@example.com")
        page = await end_session(browser, world, client_id=world.web.id, post_logout_redirect_uri=BYE)
        theirs = await end_session(other, world, client_id=world.web.id, post_logout_redirect_uri=BYE)
        form = form_to(page, "/logout")
        form.put("ix", form_to(theirs, "/logout").value("ix"))
        assert (await submit(browser, page, form)).status_code == 400
        assert await signed_in(browser, world)
        # What the client took back meanwhile is not followed any more.
        await with_logout(remit, world, redirect_uris=())
        gone = await submit(browser, page, form_to(page, "/logout"))
        assert (gone.status_code, "location" in gone.headers) == (200, False)


@pytest.mark.requirement("LOGO-2")
@pytest.mark.parametrize("wanted", [OTHER_CALLBACK, f"{BYE}/", "https://evil.test/"])
async def test_an_address_that_is_not_registered_is_not_followed(remit, wanted):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        gone = await end_session(browser, world, id_token_hint=hint, post_logout_redirect_uri=wanted)
        assert (gone.status_code, "location" in gone.headers) == (200, False)
        assert "evil" not in gone.text
        assert not await signed_in(browser, world)


@pytest.mark.requirement("LOGO-1", "LOGO-2")
async def test_where_nobody_is_signed_in_only_the_way_out_is_left(remit):
    world = await with_logout(remit)
    gone = await end_session(remit.http, world, client_id=world.web.id, post_logout_redirect_uri=BYE)
    assert gone.headers["location"] == BYE
    # Without a client nobody knows whose address it is; and what shows a bad hint is not believed.
    for asked in ({}, {"client_id": world.web.id, "id_token_hint": "a.b.c"}, {"client_id": world.rival.id}):
        gone = await end_session(remit.http, world, post_logout_redirect_uri=BYE, **asked)
        assert (gone.status_code, "location" in gone.headers) == (200, False)


@pytest.mark.requirement("LOGO-1")
async def test_a_hint_of_one_client_in_the_name_of_another_is_refused(remit):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        answer, events = await remit.events_of(
            world, end_session(browser, world, id_token_hint=hint, client_id=world.rival.id)
        )
        assert answer.status_code == 400
        assert [event["type"] for event in events] == ["page.refused"]
        assert await signed_in(browser, world)


@pytest.mark.requirement("LOGO-2", "DCR-2")
async def test_nobody_is_sent_unasked_to_a_client_that_registered_itself(remit):
    world = remit.acme
    await let_in(remit, world)
    told = (await register(remit, world, post_logout_redirect_uris=["https://stranger.example/bye"])).json()
    assert told["post_logout_redirect_uris"] == ["https://stranger.example/bye"]
    asked = {"client_id": told["client_id"], "post_logout_redirect_uri": "https://stranger.example/bye"}
    gone = await end_session(remit.http, world, **asked)
    assert (gone.status_code, "location" in gone.headers) == (200, False)
    assert 'href="https://stranger.example/bye"' in gone.text
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await end_session(browser, world, **asked)
        gone = await submit(browser, page, form_to(page, "/logout"))
        assert gone.headers["location"] == "https://stranger.example/bye"


@pytest.mark.requirement("LOGO-7")
@pytest.mark.parametrize(("away", "status"), [("no", 400), ("yes", 200)])
async def test_what_may_go_on_while_the_user_is_away_goes_on(remit, away, status):
    world = await with_logout(remit)
    async with remit.browser() as browser:
        asked = {"scope": "openid offline_access read:calendar", "away": away, "browser": browser}
        tokens = await get_tokens(remit, world, world.web, **asked)
        assert (await end_session(browser, world, id_token_hint=tokens["id_token"])).status_code == 200
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == status


@pytest.mark.requirement("LOGO-7")
async def test_what_was_approved_before_signing_in_again_ends_too(remit):
    """Whoever had to sign in again is still the same person at the same browser."""
    world = await with_logout(remit)
    async with remit.browser() as browser:
        tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar", away="no", browser=browser)
        hint = ""
        for _ in range(2):
            remit.clock.forward(seconds=5)
            hint = await logged_in(remit, world, browser, prompt="login")
        assert (await end_session(browser, world, id_token_hint=hint)).status_code == 200
    answer = await refresh(remit, world, world.web, tokens["refresh_token"])
    assert answer.json()["error"] == "invalid_grant"


@pytest.mark.requirement("LOGO-6")
async def test_only_the_two_methods_are_taken(remit):
    answer = await remit.http.put(f"{remit.acme.issuer}/oauth/end-session")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_addresses_are_read_back_wherever_they_are_written(remit):
    places = Logout(redirect_uris=(BYE,), backchannel_uri="https://app.example/told", backchannel_session=True)
    world = await with_logout(
        remit, redirect_uris=places.redirect_uris, backchannel_uri=places.backchannel_uri, backchannel_session=True
    )
    async with remit.deps.db.read(world.tenant.id) as work:
        found = await work.clients.get(world.web.id)
    assert found == replace(world.web, logout=places)
