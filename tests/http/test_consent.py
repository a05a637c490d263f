"""GET and POST /consent: one answer of one user in one browser to what was asked, and to nothing else."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from remit.core.stops import TargetKind
from tests.kit.flows import (
    STATE,
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    redeem,
    request_for,
    sign_in,
    sign_out,
    visit,
)
from tests.kit.pages import form_to, submit, text_of
from tests.kit.stops import stop
from tests.kit.world import OTHER_CALLBACK, TICKETS


@pytest.fixture
async def browser(remit):
    async with remit.browser() as opened:
        await visit(opened, remit.acme)
        yield opened


async def page_of(remit, browser, client=None, **changes):
    page = await ask(browser, remit.acme, request_for(client or remit.acme.web, **changes))
    assert page.url.path.endswith("/consent"), page.text
    return page


def ix_of(page):
    return form_to(page, "/consent").value("ix")


async def scopes_of(remit, response):
    body = (await redeem(remit, remit.acme, remit.acme.web, answer_of(response).code)).json()
    return set(body["scope"].split())


@pytest.mark.requirement("CON-1", "RED-7")
async def test_the_page_says_who_asks_for_what(remit, browser):
    page = await page_of(remit, browser, scope="openid read:calendar delete:calendar")
    text = text_of(page)
    for told in (
        "planner",
        "admin@example.com",
        "web",
        "plans meetings",
        "Calendar",
        "See your events",
        "Delete your events",
        "app.example",
        "Acme",
        "alice@example.com",
    ):
        assert told in text
    assert "Change your events" not in text
    form = form_to(page, "/consent")
    assert form.options("scope") == {"openid", "read:calendar", "delete:calendar"}
    assert form.options("duration") == {"task", "day", "month"}
    assert "any program" not in text


@pytest.mark.requirement("RED-3")
async def test_a_program_on_this_computer_is_called_that(remit, browser):
    text = text_of(await page_of(remit, browser, remit.acme.local))
    assert "an app on this computer" in text


@pytest.mark.requirement("BCP-9", "BCP-13", "CON-9", "GEN-11")
async def test_the_page_cannot_be_framed(remit, browser):
    page = await page_of(remit, browser)
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example" in policy
    assert "unsafe" not in policy


@pytest.mark.requirement("CON-4", "CON-5", "GEN-12", "OA-7")
async def test_a_yes_gives_a_code_and_a_record(remit, browser):
    world = remit.acme
    page = await page_of(remit, browser)
    response, events = await remit.events_of(world, submit(browser, page, answered(page, untick=["write:calendar"])))
    assert response.status_code == 303
    assert answer_of(response).fields == {"code": answer_of(response).code, "state": STATE, "iss": world.issuer}
    (event,) = events
    assert event["type"] == "consent.given"
    assert event["what"] | {"until": ""} == {
        "shown": ["read:calendar", "write:calendar"],
        "scopes": ["read:calendar"],
        "sentences": ["See your events"],
        "until": "",
        "while_away": True,
        "remembered": False,
        "details": None,
        "device": None,
    }
    who = event["who"]
    assert (who["actor"], who["user"], who["client"], who["approver"]) == (
        world.alice.id, world.alice.id, world.web.id, world.alice.id,
    )  # fmt: skip
    assert await scopes_of(remit, response) == {"read:calendar"}


@pytest.mark.requirement("CON-5", "ISS-1", "OA-5")
async def test_a_no_is_told_and_recorded(remit, browser):
    page = await page_of(remit, browser)
    response, events = await remit.events_of(remit.acme, submit(browser, page, answered(page, "deny")))
    assert answer_of(response).fields == {
        "error": "access_denied",
        "error_description": "the user said no",
        "error_uri": f"{remit.acme.issuer}/docs#access_denied",
        "state": STATE,
        "iss": remit.acme.issuer,
    }
    assert [event["type"] for event in events] == ["consent.denied"]


@pytest.mark.requirement("CON-5")
@pytest.mark.parametrize("decision", ["", "Allow", "yes", None])
async def test_whatever_is_not_a_yes_is_a_no(remit, browser, decision):
    page = await page_of(remit, browser)
    form = answered(page)
    form.put("decision", *([decision] if decision is not None else []))
    assert answer_of(await submit(browser, page, form)).fields["error"] == "access_denied"


async def test_a_yes_to_nothing_asks_again(remit, browser):
    page = await page_of(remit, browser)
    again = await submit(browser, page, answered(page, untick=["read:calendar", "write:calendar"]))
    assert again.status_code == 200
    assert "Tick at least one thing" in text_of(again)
    assert answer_of(await submit(browser, again, answered(again))).code


@pytest.mark.requirement("OA-6")
async def test_what_the_form_adds_is_ignored(remit, browser):
    page = await page_of(remit, browser, scope="read:calendar")
    form = answered(page)
    form.put("scope", "read:calendar", "delete:calendar", "write:calendar", "admin", "openid")
    form.put("resource", TICKETS)
    form.put("redirect_uri", OTHER_CALLBACK)
    form.put("client_id", remit.acme.rival.id)
    form.put("state", "another")
    response = await submit(browser, page, form)
    assert response.headers["location"].startswith("https://app.example/cb?")
    assert answer_of(response).fields["state"] == STATE
    body = (await redeem(remit, remit.acme, remit.acme.web, answer_of(response).code)).json()
    assert body["scope"] == "read:calendar"
    assert claims_of(body["access_token"])["aud"] == "https://calendar.example/"


async def test_only_added_scopes_are_a_yes_to_nothing(remit, browser):
    page = await page_of(remit, browser, scope="read:calendar")
    form = answered(page)
    form.put("scope", "delete:calendar")
    assert "Tick at least one thing" in text_of(await submit(browser, page, form))


async def test_two_answers_give_one_code(remit, browser):
    page = await page_of(remit, browser)
    answers = await asyncio.gather(*(submit(browser, page, answered(page)) for _ in range(5)))
    codes = [answer for answer in answers if answer.is_redirect]
    assert len(codes) == 1
    late = next(answer for answer in answers if not answer.is_redirect)
    assert late.status_code == 400
    assert "already answered" in text_of(late)


@pytest.mark.parametrize(("first", "second"), [("deny", "allow"), ("allow", "deny"), ("deny", "deny")])
async def test_an_answer_is_final(remit, browser, first, second):
    page = await page_of(remit, browser)
    assert (await submit(browser, page, answered(page, first))).is_redirect
    late, events = await remit.events_of(remit.acme, submit(browser, page, answered(page, second)))
    assert late.status_code == 400
    assert "already answered" in text_of(late)
    assert events == []


@pytest.mark.requirement("OA-6")
async def test_looking_again_is_harmless(remit, browser):
    page = await page_of(remit, browser)
    again = await browser.get(page.url)
    _, events = await remit.events_of(remit.acme, browser.get(page.url))
    assert events == []
    assert answer_of(await submit(browser, page, answered(page))).code
    assert (await submit(browser, again, answered(again))).status_code == 400


async def test_the_answer_on_the_page_stands_although_another_tab_said_more(remit, browser):
    """A remembered approval must not answer in the user's place once he has answered himself."""
    one, other = await page_of(remit, browser), await page_of(remit, browser)
    assert await scopes_of(remit, await submit(browser, one, answered(one))) == {"read:calendar", "write:calendar"}
    response = await submit(browser, other, answered(other, untick=["write:calendar"]))
    assert await scopes_of(remit, response) == {"read:calendar"}


FORGERIES = {
    "from another site": {"origin": "https://evil.example"},
    "from nowhere": {"origin": "null", "sec-fetch-site": "none"},
    "from our host on another port": {"origin": "https://id.example:8443"},
    "from another site, says the browser": {"sec-fetch-site": "cross-site"},
    "from a neighbour, says the browser": {"sec-fetch-site": "same-site"},
}


@pytest.mark.requirement("BCP-6", "GEN-11", "OA-6")
@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES)
async def test_an_answer_from_elsewhere_is_none(remit, browser, headers):
    page = await page_of(remit, browser)
    form = answered(page)
    data = {name: sorted(form.values(name)) for name, _ in form.fields}
    sent = {"origin": "https://id.example", "sec-fetch-site": "same-origin", **headers}
    answer, events = await remit.events_of(remit.acme, browser.post(form.action, data=data, headers=sent))
    assert (answer.status_code, [event["type"] for event in events]) == (403, ["page.refused"])
    assert answer_of(await submit(browser, page, form)).code


@pytest.mark.requirement("BCP-6", "GEN-11", "OA-6")
@pytest.mark.parametrize("token", [None, "", "x", "é"])
async def test_an_answer_without_its_token_is_none(remit, browser, token):
    page = await page_of(remit, browser)
    form = answered(page)
    form.put("csrf", *([token] if token is not None else []))
    answer = await submit(browser, page, form)
    assert answer.status_code == 403


@pytest.mark.requirement("BCP-6", "OA-6")
async def test_the_token_and_the_page_of_an_attacker_do_not_work_in_my_browser(remit, browser):
    """He begins a request himself and hands over everything that his own page held (B-CONS-01)."""
    world = remit.acme
    async with remit.browser() as attacker:
        await visit(attacker, world, "mallory@example.com")
        theirs = answered(await page_of(remit, attacker))
        mine = await page_of(remit, browser)
        assert (await submit(browser, mine, theirs)).status_code == 403
        theirs.put("csrf", form_to(mine, "/consent").value("csrf"))
        answer = await submit(browser, mine, theirs)
        assert answer.status_code == 400
        assert "not started here" in text_of(answer)
        assert (await browser.get(f"{world.issuer}/consent", params={"ix": theirs.value("ix")})).status_code == 400
        assert (await browser.get(f"{world.issuer}/login", params={"ix": theirs.value("ix")})).status_code == 400


async def test_a_remembered_approval_cannot_be_used_through_a_page_from_elsewhere(remit, browser):
    world = remit.acme
    await approve(remit, world, world.web, browser=browser)
    async with remit.browser() as attacker:
        begun = await attacker.get(
            f"{world.issuer}/oauth/authorize", params=request_for(world.web), headers={"sec-fetch-site": "none"}
        )
        packed = parse_qs(urlsplit(begun.headers["location"]).query)["ix"][0]
    answer = await browser.get(
        f"{world.issuer}/consent", params={"ix": packed}, headers={"sec-fetch-site": "cross-site"}
    )
    assert (answer.status_code, answer.is_redirect) == (400, False)


async def test_a_request_of_another_tenant_is_refused(remit, browser):
    await visit(browser, remit.globex)
    page = await ask(browser, remit.globex, request_for(remit.globex.web))
    packed = ix_of(page)
    assert (await browser.get(f"{remit.acme.issuer}/consent", params={"ix": packed})).status_code == 400
    mine = await page_of(remit, browser)
    form = answered(mine)
    form.put("ix", packed)
    assert (await submit(browser, mine, form)).status_code == 400


@pytest.mark.requirement("OA-6")
async def test_a_damaged_request_is_refused(remit, browser):
    packed = ix_of(await page_of(remit, browser))
    flipped = packed[:40] + ("A" if packed[40] != "A" else "B") + packed[41:]
    for damaged in (
        "",
        "x",
        packed[:-1],
        packed[1:],
        flipped,
        packed + "A",
        packed + "!",
        packed + "=",
        "é",
        "A" * 9000,
    ):
        answer = await browser.get(f"{remit.acme.issuer}/consent", params={"ix": damaged})
        assert answer.status_code == 400, damaged
        assert not answer.is_redirect


async def test_a_page_left_open_too_long_is_over(remit, browser):
    page = await page_of(remit, browser)
    remit.clock.forward(minutes=15)
    answer = await submit(browser, page, answered(page))
    assert answer.status_code == 400
    assert "older than 15 minutes" in text_of(answer)


@pytest.mark.requirement("OA-6")
async def test_somebody_else_cannot_answer_for_me(remit, browser):
    """Alice leaves her page open; Mallory signs in in the same browser and presses the button (B-CONS-06)."""
    world = remit.acme
    page = await page_of(remit, browser)
    await sign_out(remit, browser, world)
    await visit(browser, world, "mallory@example.com")
    assert (await submit(browser, page, answered(page))).status_code == 403
    own = await browser.get(page.url)
    assert "mallory@example.com" in text_of(own)
    response = await submit(browser, own, answered(own))
    body = (await redeem(remit, world, world.web, answer_of(response).code)).json()
    assert claims_of(body["access_token"])["sub"] == world.mallory.id


@pytest.mark.requirement("OA-6")
async def test_who_signed_out_meanwhile_has_to_sign_in(remit, browser):
    world = remit.acme
    page = await page_of(remit, browser)
    await sign_out(remit, browser, world)
    back = await browser.get(page.url, follow_redirects=True)
    assert back.url.path.endswith("/login")
    assert (await sign_in(browser, back)).url.path.endswith("/consent")


MEANWHILE = {
    "the agent was stopped": lambda r: stop(r, r.acme, TargetKind.AGENT, r.acme.agent.id),
    "the client was stopped": lambda r: stop(r, r.acme, TargetKind.CLIENT, r.acme.web.id),
    "the user was stopped": lambda r: stop(r, r.acme, TargetKind.USER, r.acme.alice.id),
    "the resource was stopped": lambda r: stop(r, r.acme, TargetKind.RESOURCE, r.acme.calendar.id),
}


@pytest.mark.parametrize(("told", "act"), MEANWHILE.items(), ids=MEANWHILE)
@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_what_died_meanwhile_gets_no_answer(remit, browser, told, act, decision):
    page = await page_of(remit, browser)
    await act(remit)
    answer = await submit(browser, page, answered(page, decision))
    assert answer.status_code == 403
    assert told in text_of(answer).lower()
    assert not answer.is_redirect
    assert await remit.events(remit.acme, type="consent.given") == []


@pytest.mark.requirement("RED-6")
async def test_a_client_that_changed_meanwhile_gets_no_answer(remit, browser):
    page = await page_of(remit, browser)
    remit.sql("update client set version = version + 1 where tenant = :tenant", tenant=remit.acme.tenant.id)
    answer = await submit(browser, page, answered(page))
    assert (answer.status_code, answer.is_redirect) == (400, False)


async def test_bodies_that_cannot_be_read_are_refused(remit, browser):
    url, form = f"{remit.acme.issuer}/consent", {"content-type": "application/x-www-form-urlencoded"}
    assert (await browser.post(url, content=b"csrf=a&csrf=b", headers=form)).status_code == 400
    assert (await browser.post(url, content=b"a" * 70_000, headers=form)).status_code == 413
    assert (await browser.post(url, json={})).status_code == 400
    assert (await browser.get(f"{url}?ix=a&ix=b")).status_code == 400
