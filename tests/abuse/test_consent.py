"""CONS: login sessions and consent."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.abuse.asking import consent_of
from tests.kit.flows import (
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    introspect,
    redeem,
    request_for,
    sign_in,
    sign_out,
    visit,
)
from tests.kit.pages import form_to, submit, text_of
from tests.kit.registering import LOCAL, let_in, register
from tests.kit.world import OTHER_CALLBACK, TICKETS

CHANGED = {
    "another redirect URI": ({"redirect_uri": OTHER_CALLBACK}, {}),
    "one scope more": ({"scope": "read:calendar write:calendar delete:calendar"}, {}),
    "another scope": ({"scope": "delete:calendar"}, {}),
    "identity besides": ({"scope": "openid read:calendar"}, {}),
    "another resource": ({"resource": TICKETS, "scope": "tickets.update"}, {}),
    "the same from a page of another site": ({}, {"sec_fetch_site": "cross-site"}),
    "the same from who knows where": ({}, {"sec_fetch_site": ""}),
    "the same in a frame of another site": ({}, {"sec_fetch_site": "cross-site", "sec_fetch_dest": "iframe"}),
    "prompt=consent": ({"prompt": "consent"}, {}),
}


@pytest.mark.parametrize(("changes", "headers"), CHANGED.values(), ids=CHANGED)
@pytest.mark.parametrize("send", ["GET", "POST"])
async def test_b_cons_03_another_request_is_asked_again(remit, changes, headers, send):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser)
        given = len(await remit.events(world, type="consent.given"))
        sent = {"sec-fetch-site": "none", **{name.replace("_", "-"): value for name, value in headers.items()}}
        asked = {"params" if send == "GET" else "data": request_for(world.web, **changes)}
        answer = await browser.request(send, f"{world.issuer}/oauth/authorize", headers=sent, **asked)
        assert urlsplit(answer.headers["location"]).path.endswith("/consent")
        # Nor does looking at the page, reloading it or coming back to it by sign-in approve anything.
        packed = parse_qs(urlsplit(answer.headers["location"]).query)["ix"][0]
        for path in ("consent", "consent"):
            page = await browser.get(
                f"{world.issuer}/{path}", params={"ix": packed}, headers={"sec-fetch-site": "none"}
            )
            assert page.status_code == 200
        silent = {"sec-fetch-site": headers.get("sec_fetch_site", "none")}
        told = answer_of(
            await browser.get(
                f"{world.issuer}/oauth/authorize",
                params=request_for(world.web, **{**changes, "prompt": "none"}),
                headers=silent,
            )
        ) if "prompt" not in changes else None  # fmt: skip
        assert told is None or told.fields["error"] == "consent_required"
        assert len(await remit.events(world, type="consent.given")) == given


async def test_b_cons_03_a_client_that_registered_itself_on_loopback_is_never_remembered(remit):
    world = remit.acme
    await let_in(remit, world)
    made = (await register(remit, world)).json()
    async with remit.deps.db.read(world.tenant.id) as work:
        client = await work.clients.get(made["client_id"])
    async with remit.browser() as browser:
        for _ in range(2):
            page = await consent_of(browser, world, client, redirect_uri=LOCAL)
            answer_of(await submit(browser, page, answered(page)))


async def test_b_cons_04_reloading_breaks_no_open_form(remit):
    world = remit.acme
    async with remit.browser() as browser:
        first = await consent_of(browser, world)
        second = await browser.get(first.url)
        prefetched = await browser.get(first.url, headers={"sec-purpose": "prefetch"})
        _, events = await remit.events_of(world, browser.get(first.url))
        assert events == []
        assert answer_of(await submit(browser, first, answered(first))).code
        for late in (second, prefetched, first):
            page, events = await remit.events_of(world, submit(browser, late, answered(late)))
            assert (page.status_code, events) == (400, [])
            assert "this page was already answered: go back and start again" in text_of(page).lower()
        # A page of another request, opened before all of this, is untouched.
        other = await consent_of(browser, world, prompt="consent")
        assert answer_of(await submit(browser, other, answered(other))).code


async def test_b_cons_05_the_form_adds_nothing_to_what_was_asked(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await consent_of(browser, world, scope="read:calendar")
        form = answered(page)
        form.put("scope", "read:calendar", "write:calendar", "delete:calendar", "admin", "openid", "tickets.update")
        form.put("scopes[]", "admin")
        form.put("scope[]", "delete:calendar")
        form.put("resource", TICKETS)
        form.put("user", world.admin.id)
        form.put("sub", world.admin.id)
        form.put("duration", "forever")
        answer = await submit(browser, page, form)
        tokens = (await redeem(remit, world, world.web, answer_of(answer).code)).json()
    claims = claims_of(tokens["access_token"])
    assert (tokens["scope"], claims["scope"]) == ("read:calendar", "read:calendar")
    assert (claims["aud"], claims["sub"]) == (world.calendar.uri, world.alice.id)
    assert (await introspect(remit, world, tokens["access_token"]))["scope"] == "read:calendar"
    (given,) = await remit.events(world, type="consent.given")
    assert (given["what"]["shown"], given["what"]["scopes"]) == (["read:calendar"], ["read:calendar"])
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
        (line,) = await work.lines.list(grant.id)
    assert grant.scopes == line.scopes == {"read:calendar"}
    assert grant.expires_at is not None
    assert (grant.expires_at - remit.clock.now()).total_seconds() <= 3600


def cookie(browser):
    return browser.cookies.get("__Host-remit_acme")


async def replayed(remit, world, value):
    """Show an old session cookie in a browser that has nothing else."""
    async with remit.browser() as other:
        if value is not None:
            other.cookies.set("__Host-remit_acme", value)
        page = await other.get(f"{world.issuer}/account")
    return page.status_code == 200


async def test_b_cons_06_two_people_at_one_browser_share_nothing(remit):
    world = remit.acme
    async with remit.browser() as browser:
        before = await ask(browser, world, request_for(world.web))
        c0 = dict(browser.cookies)
        assert cookie(browser) is None
        planted = "rmt_ls_" + "0" * 26 + "." + "A" * 43
        browser.cookies.set("__Host-remit_acme", planted, domain="id.example", path="/")
        page = await sign_in(browser, before)
        c1 = cookie(browser)
        assert c1 not in {None, planted, *c0.values()}
        assert await replayed(remit, world, c1)
        alices = answered(page)
        await sign_out(remit, browser, world)
        await visit(browser, world, "mallory@example.com")
        c2 = cookie(browser)
        assert len({c1, c2, *c0.values()}) == len(c0) + 2
        for old in (*c0.values(), planted, c1):
            assert not await replayed(remit, world, old)
        # The back button shows alice's form; mallory presses it.
        refused, events = await remit.events_of(world, submit(browser, page, alices))
        assert (refused.status_code, {event["type"] for event in events}) == (403, {"page.refused"})
        # What she is then asked herself gives a token for herself.
        own = await browser.get(page.url)
        assert "mallory@example.com" in text_of(own)
        code = answer_of(await submit(browser, own, answered(own))).code
        tokens = (await redeem(remit, world, world.web, code)).json()
    assert claims_of(tokens["access_token"])["sub"] == world.mallory.id
    assert {event["who"]["user"] for event in await remit.events(world, type="consent.given")} == {world.mallory.id}


async def test_b_cons_06_another_person_who_signs_in_ends_the_session_that_was_open(remit):
    """Without signing out first, by the way that the consent page itself offers."""
    world = remit.acme
    async with remit.browser() as browser:
        page = await consent_of(browser, world)
        c1 = cookie(browser)
        switched = await browser.get(form_or_link(page, "/login?ix="))
        _, events = await remit.events_of(world, sign_in(browser, switched, "mallory@example.com"))
        assert cookie(browser) != c1
        assert not await replayed(remit, world, c1)
        assert [event["type"] for event in events] == ["user.signed_in", "stop.placed", "user.signed_out"]
        assert events[2]["who"]["user"] == world.alice.id
        assert (await submit(browser, page, answered(page))).status_code == 403


async def test_b_cons_06_signing_in_again_gives_a_new_session_and_ends_no_consent(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        c1 = cookie(browser)
        remit.clock.forward(seconds=1)
        page = await consent_of(browser, world, prompt="login")
        assert cookie(browser) != c1
        assert answer_of(await submit(browser, page, answered(page, away="no"))).code


def form_or_link(page, start):
    found = [
        httpx.URL(link.replace("&amp;", "&")) for link in re.findall(r'href="([^"]+)"', page.text) if start in link
    ]
    assert len(found) == 1
    return found[0]


async def error_of(browser, world, **changes):
    return answer_of(await ask(browser, world, request_for(world.web, **changes))).fields["error"]


async def test_b_cons_07_prompt_none_shows_nothing(remit):
    world = remit.acme
    async with remit.browser() as browser:
        assert await error_of(browser, world, prompt="none") == "login_required"
        await visit(browser, world)
        assert await error_of(browser, world, prompt="none") == "consent_required"
        remit.clock.forward(seconds=1)
        assert await error_of(browser, world, prompt="none", max_age="0", state="x") == "login_required"
        for both in ("none login", "login none", "none consent", "none none login"):
            assert await error_of(browser, world, prompt=both) == "invalid_request"
        assert await remit.events(world, type="consent.given") == []


@pytest.mark.parametrize(
    "changes", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}, {"prompt": "login consent"}]
)
async def test_b_cons_07_a_new_login_is_a_new_login(remit, changes):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser, scope="openid read:calendar")
        remit.clock.forward(minutes=2)
        asked = request_for(world.web, scope="openid read:calendar", **changes)
        page = await ask(browser, world, asked)
        assert page.url.path.endswith("/login")
        # Neither the consent page itself nor a reload gets past the login.
        ix = form_to(page, "/login").value("ix")
        again = await browser.get(f"{world.issuer}/consent", params={"ix": ix})
        assert urlsplit(again.headers["location"]).path.endswith("/login")
        at = int(remit.clock.now().timestamp())
        page = await sign_in(browser, page)
        answer = page if page.is_redirect else await submit(browser, page, answered(page))
        tokens = (await redeem(remit, world, world.web, answer_of(answer).code)).json()
    assert claims_of(tokens["id_token"])["auth_time"] == at
