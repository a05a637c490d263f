"""A second factor: set up under How I sign in, asked for at sign-in, lost and taken away (RFC 6238)."""

from __future__ import annotations

import asyncio
import base64
from datetime import timedelta

import pytest

from remit.core.oauth.verdicts import Refusal
from remit.core.totp import RECOVERY_CODES, STEP_SECONDS, code_at, step_of
from remit.core.users import UserState
from remit.services.provisioning.users import set_user_state
from remit.services.second_factor import HALF_WAY, NONE, TRIES, begin, finish_sign_in, remove, reset
from remit.services.sessions import HalfWay
from tests.http.test_login import FORGERIES
from tests.kit.flows import visit
from tests.kit.pages import follow, form_to, submit, text_of
from tests.kit.second_factor import enrol, type_code
from tests.kit.world import HERE, PASSWORD, SEEDER, sure


async def security(browser, world):
    return await browser.get(f"{world.issuer}/account/security")


async def send(browser, page, path, **fields):
    form = form_to(page, f"/account/security/{path}")
    for name, value in fields.items():
        form.put(name, value)
    return await follow(browser, await submit(browser, page, form))


async def halfway(remit, browser, world, email="alice@example.com"):
    page = await follow(browser, await visit(browser, world, email))
    assert page.url.path.endswith("/login/code"), page.url
    return page


def signed_in(page):
    return page.url.path.endswith("/account") and page.status_code == 200


async def test_a_person_sets_it_up_and_is_asked_for_it(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await security(browser, world)
        assert "Password alone" in text_of(page)
        page = await send(browser, page, "begin", password="wrong")
        assert "That is not your password" in text_of(page)
        page = await send(browser, page, "begin", password=PASSWORD)
        key = page.text.partition("<code>")[2].partition("</code>")[0]
        secret = base64.b32decode(key.replace(" ", ""))
        assert 'href="otpauth://totp/Acme:alice@example.com?' in page.text
        # Until the app has shown that it knows the key, nothing is asked for.
        async with remit.browser() as other:
            assert signed_in(await follow(other, await visit(other, world)))
        wrong = await send(browser, page, "confirm", code="000000")
        assert "That code is not right" in text_of(wrong)
        code = code_at(secret, step_of(remit.clock.now()))
        page = await send(browser, wrong, "confirm", code=code)
        assert f"{RECOVERY_CODES} recovery codes are left" in text_of(page)
        assert key not in page.text
        assert key not in (await security(browser, world)).text
    events = [event["type"] for event in await remit.events(world)]
    assert events.count("second_factor.added") == 1
    async with remit.browser() as browser:
        page = await halfway(remit, browser, world)
        assert page.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        # The code that turned it on is spent.
        assert "That code is not right" in text_of(await type_code(browser, page, code))
        remit.clock.forward(seconds=STEP_SECONDS)
        assert signed_in(await type_code(browser, page, code_at(secret, step_of(remit.clock.now()))))
    method = [event["what"]["method"] for event in await remit.events(world, type="user.signed_in")][-1]
    assert method == "password and code"


async def test_what_is_stored_tells_nobody_the_secret_or_a_code(remit):
    app = await enrol(remit, remit.acme)
    stored = b"".join(path.read_bytes() for path in remit.folder.glob("remit.db*"))
    for secret in (app.secret, base64.b32encode(app.secret).rstrip(b"="), *(code.encode() for code in app.recovery)):
        assert secret not in stored
        assert secret.replace(b"-", b"") not in stored


async def test_no_code_of_a_step_that_is_over_works_nor_one_twice(remit):
    world = remit.acme
    app = await enrol(remit, world)
    tried = []
    # The phone is half a minute ahead; after that nothing older counts.
    for steps in (1, 1, 0, -1):
        async with remit.browser() as browser:
            page = await halfway(remit, browser, world)
            tried.append(signed_in(await type_code(browser, page, app.code(steps=steps))))
    assert tried == [True, False, False, False]


async def test_two_who_show_the_same_code_at_once_are_not_both_let_in(remit):
    world = remit.acme
    app = await enrol(remit, world)
    half = HalfWay(user=world.alice.id, at=remit.clock.now())
    outcomes = await asyncio.gather(
        *(finish_sign_in(world.tenant.id, half, app.code(), remit.deps, HERE) for _ in range(TRIES))
    )
    assert sum(isinstance(outcome, tuple) for outcome in outcomes) == 1


async def test_a_recovery_code_stands_in_once(remit):
    world = remit.acme
    app = await enrol(remit, world)
    seen = []
    for typed in (app.recovery[0].upper(), app.recovery[0], app.recovery[1].replace("-", " ")):
        async with remit.browser() as browser:
            page = await halfway(remit, browser, world)
            seen.append(signed_in(await type_code(browser, page, typed)))
    assert seen == [True, False, True]
    async with remit.browser() as browser:
        remit.clock.forward(minutes=5)
        await type_code(browser, await halfway(remit, browser, world), app.code())
        page = await security(browser, world)
        assert "8 recovery codes are left" in text_of(page)
        remit.clock.forward(seconds=STEP_SECONDS)
        page = await send(browser, page, "recovery", code=app.code())
        assert "10 recovery codes are left" in text_of(page)
        assert "second_factor.codes_renewed" in [event["type"] for event in await remit.events(world)]
    async with remit.browser() as browser:
        page = await halfway(remit, browser, world)
        assert not signed_in(await type_code(browser, page, app.recovery[2]))


async def test_that_the_password_was_right_counts_for_five_minutes_in_one_browser(remit):
    world = remit.acme
    app = await enrol(remit, world)
    async with remit.browser() as browser, remit.browser() as other:
        page = await halfway(remit, browser, world)
        theirs = await other.get(f"{world.issuer}/login")
        form = form_to(page, "/login/code")
        form.put("csrf", form_to(theirs, "/login").value("csrf"))
        form.put("code", app.code())
        assert (await submit(other, theirs, form)).status_code == 400
        remit.clock.forward(seconds=HALF_WAY.total_seconds())
        assert (await type_code(browser, page, app.code())).status_code == 400
        # Nothing was used up by that.
        page = await halfway(remit, browser, world)
        assert signed_in(await type_code(browser, page, app.code()))
    for at in (remit.clock.now() + timedelta(seconds=1), remit.clock.now() - HALF_WAY):
        half = HalfWay(user=world.alice.id, at=at)
        assert isinstance(await finish_sign_in(world.tenant.id, half, app.code(), remit.deps, HERE), Refusal)


async def test_who_was_made_inactive_between_the_steps_is_not_let_in(remit):
    world = remit.acme
    app = await enrol(remit, world)
    async with remit.browser() as browser:
        page = await halfway(remit, browser, world)
        args = (world.tenant.id, remit.deps, SEEDER)
        sure(await set_user_state(*args, user=world.alice.id, state=UserState.INACTIVE, reason="left"))
        assert (await type_code(browser, page, app.code())).status_code == 400


async def test_only_who_shows_a_code_takes_it_away(remit):
    world = remit.acme
    app = await enrol(remit, world)
    async with remit.browser() as browser:
        await type_code(browser, await halfway(remit, browser, world), app.code())
        remit.clock.forward(seconds=STEP_SECONDS)
        page = await send(browser, await security(browser, world), "remove", code="000000")
        assert "That code is not right" in text_of(page)
        # Nor can another one be set up over it.
        outcome = await begin(world.tenant.id, world.alice, PASSWORD, remit.deps, HERE)
        assert isinstance(outcome, Refusal)
        page = await send(browser, page, "remove", code=app.code())
        assert "Password alone" in text_of(page)
    async with remit.browser() as browser:
        assert signed_in(await follow(browser, await visit(browser, world)))


async def test_a_code_of_somebody_else_is_none(remit):
    world = remit.acme
    mine, theirs = await enrol(remit, world), await enrol(remit, world, world.mallory)
    for code in (theirs.code(), theirs.recovery[0]):
        outcome = await remove(world.tenant.id, world.alice.id, code, remit.deps, SEEDER)
        assert isinstance(outcome, Refusal)
    assert await remove(world.tenant.id, world.alice.id, mine.recovery[0], remit.deps, SEEDER) is None
    # Nor is one of the same address in another tenant.
    over_there = await enrol(remit, remit.globex, remit.globex.mallory)
    outcome = await remove(world.tenant.id, world.mallory.id, over_there.code(), remit.deps, SEEDER)
    assert isinstance(outcome, Refusal)


async def test_an_administrator_helps_who_lost_it(remit):
    world = remit.acme
    await enrol(remit, world)
    args = (world.tenant.id, world.alice.id, remit.deps, SEEDER)
    assert sure(await reset(*args, reason="lost her phone")).id == world.alice.id
    assert await reset(*args, reason="again") == NONE
    (event,) = await remit.events(world, type="second_factor.removed")
    assert event["what"] == {"subject": world.alice.id, "reason": "lost her phone"}
    async with remit.browser() as browser:
        assert signed_in(await follow(browser, await visit(browser, world)))


@pytest.mark.parametrize(
    "path", ["/account/security/confirm", "/account/security/recovery", "/account/security/remove"]
)
async def test_where_nothing_is_set_up_no_code_is_right(remit, path):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await security(browser, world)
        form = form_to(page, "/account/security/begin")
        form.action = f"{world.issuer}{path}"
        form.put("code", "123456")
        answer = await submit(browser, page, form)
        assert (answer.status_code, "Password alone" in text_of(answer)) == (200, True)


async def test_a_key_that_nobody_confirmed_is_forgotten(remit):
    world = remit.acme
    assert await begin(world.tenant.id, world.alice, PASSWORD, remit.deps, HERE) is None
    remit.clock.forward(minutes=11)
    async with remit.deps.db.work(world.tenant.id) as work:
        await work.housekeeping.purge(now=remit.clock.now())
        assert await work.second_factors.find(world.alice.id) is None


@pytest.mark.requirement("GEN-11")
@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES)
async def test_a_code_that_somebody_else_sends_is_refused_and_not_spent(remit, headers):
    world = remit.acme
    app = await enrol(remit, world)
    async with remit.browser() as browser:
        page = await halfway(remit, browser, world)
        form = form_to(page, "/login/code")
        form.put("code", app.code())
        sent = dict(form.fields)
        ours = {"origin": "https://id.example"}
        for fields, told in ((sent, headers), ({**sent, "csrf": "x"}, ours)):
            answer = await browser.post(f"{world.issuer}/login/code", data=fields, headers=told)
            assert answer.status_code == 403
        assert not signed_in(await follow(browser, await browser.get(f"{world.issuer}/account")))
        assert signed_in(await follow(browser, await submit(browser, page, form)))
