"""Abuse of the device flow: guessed codes, and people who may no longer act while a device waits (B-KEY)."""

from __future__ import annotations

import pytest

from remit.core.oauth.device import USER_CODES, spell
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.services.devices import GUESSES
from remit.services.provisioning.users import set_user_state
from tests.kit.devices import answer_device, codes, go_on, let_devices, poll, to_consent, type_in
from tests.kit.flows import answered, visit
from tests.kit.pages import form_to, submit, text_of
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure

BURSTS = {what: burst for what, burst, _ in GUESSES}


def wrong(number: int) -> str:
    """A code that no device shows here, but for one time in a hundred million."""
    return spell((USER_CODES // 3 + number * 7919) % USER_CODES)


async def test_b_key_05_one_user_guesses_a_few_codes_however_he_types_them(remit):
    world = remit.acme
    await let_devices(remit, world)
    told = await codes(remit, world, world.web)
    async with remit.browser() as first, remit.browser() as second:
        await visit(first, world, "mallory@example.com")
        await visit(second, world, "mallory@example.com")
        # The same code in other spellings is the same guess; none is for free, from whichever browser.
        ways = [wrong(0), wrong(0).lower(), wrong(0).replace("-", ""), f" {wrong(0)} ", wrong(1)]
        for number, code in enumerate(ways):
            page = await type_in((first, second)[number % 2], world, code)
            assert (page.status_code, "No device waits" in text_of(page)) == (200, True)
        for browser in (first, second):
            page = await type_in(browser, world, told["user_code"])
            assert (page.status_code, "Too many codes were tried" in text_of(page)) == (429, True)
            assert int(page.headers["retry-after"]) > 0
        # What is no code at all costs nobody a try.
        assert "eight letters" in text_of(await type_in(first, world, "BCDF"))
    async with remit.browser() as third:
        await visit(third, world)
        assert "Did you start this yourself?" in text_of(await type_in(third, world, told["user_code"]))
    events = await remit.events(world, type="page.refused")
    assert {event["who"]["actor"] for event in events} == {world.mallory.id}
    assert len(events) == 5 + 2 + 1
    assert not any(code in str(events) for code in ways)


async def test_b_key_05_a_right_code_forgives_no_wrong_one(remit):
    world = remit.acme
    await let_devices(remit, world)
    told = await codes(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        for number in range(BURSTS["user"] - 1):
            await type_in(browser, world, wrong(number))
        await go_on(browser, await type_in(browser, world, told["user_code"]), "cancel")
        assert (await type_in(browser, world, wrong(9))).status_code == 429


@pytest.mark.parametrize("where", ["address", "tenant"])
async def test_b_key_05_nor_do_many_users_guess_more(remit, where):
    world = remit.acme
    await let_devices(remit, world)
    burst, seconds = next((burst, seconds) for what, burst, seconds in GUESSES if what == where)
    key = f"{world.tenant.id} 127.0.0.1" if where == "address" else world.tenant.id
    for _ in range(burst - 1):
        # Others were here before, each within his own measure.
        remit.deps.throttle.allow(f"user-code-{where}", key, limit=burst, per_seconds=seconds, now=remit.clock.now())
    async with remit.browser() as browser:
        await visit(browser, world)
        assert (await type_in(browser, world, wrong(0))).status_code == 200
        assert (await type_in(browser, world, wrong(1))).status_code == 429


async def locked(remit, world, device):
    sure(
        await set_user_state(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
        )
    )


async def stopped(remit, world, device):
    await stop(remit, world, TargetKind.USER, world.alice.id)


async def without_rights(remit, world, device):
    async with remit.deps.db.work(world.tenant.id) as work:
        await work.tenants.turn_rights_on()


ENDS = {"locked": locked, "stopped": stopped, "demoted": without_rights}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_b_key_06_who_lost_his_authority_gives_none_to_a_device(remit, end):
    world = remit.acme
    await let_devices(remit, world)
    approved, open_ = await codes(remit, world, world.web), await codes(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        await answer_device(remit, world, approved["user_code"], browser=browser)
        page = await to_consent(browser, world, open_["user_code"])
        await end(remit, world, approved)
        answer = await poll(remit, world, world.web, approved["device_code"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
        # And what he had open gives nothing either.
        late = await submit(browser, page, answered(page))
        assert "Go back to your device" not in late.text
    assert len(await remit.events(world, type="consent.given")) == 1


async def test_b_rev_05_a_deactivated_user_answers_no_device(remit):
    world = remit.acme
    await let_devices(remit, world)
    told = await codes(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await type_in(browser, world, told["user_code"])
        await locked(remit, world, told)
        form = form_to(page, "/device/answer")
        form.put("decision", "go")
        assert (await submit(browser, page, form)).status_code == 403
        assert "/login" in (await browser.get(f"{world.issuer}/device")).headers["location"]
    assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "authorization_pending"
