"""The device flow from end to end (RFC 8628): codes, pages, polling, tokens."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from remit.core.clients import GrantType
from remit.core.sessions import MULTI_FACTOR
from remit.services.asking import choose_asking
from remit.services.provisioning.changes import change_client
from tests.kit.devices import (
    DEVICE_CODE,
    answer_device,
    ask_for_codes,
    codes,
    go_on,
    let_devices,
    poll,
    to_consent,
    type_in,
)
from tests.kit.flows import answered, approve, claims_of, get_tokens, introspect, refresh, sign_in, visit
from tests.kit.pages import follow, form_to, submit, text_of
from tests.kit.world import CALENDAR, SEEDER, sure


@pytest.fixture
async def world(remit):
    await let_devices(remit, remit.acme)
    return remit.acme


@pytest.fixture
async def alice(remit, world):
    """A browser in which alice is signed in."""
    async with remit.browser() as browser:
        await visit(browser, world)
        yield browser


@pytest.mark.requirement("DEV-1", "DEV-3", "DEV-4", "DEV-5")
@pytest.mark.parametrize("who", ["web", "local"])
async def test_a_device_asks_its_user_answers_and_it_gets_its_tokens_once(remit, world, who):
    client = getattr(world, who)
    asked = await ask_for_codes(remit, world, client, scope="openid read:calendar write:calendar")
    told = asked.json()
    assert asked.headers["cache-control"] == "no-store"
    assert told["verification_uri"] == f"{world.issuer}/device"
    assert told["verification_uri_complete"] == f"{world.issuer}/device?user_code={told['user_code']}"
    assert (told["expires_in"], told["interval"]) == (300, 5)
    assert (await poll(remit, world, client, told["device_code"])).json()["error"] == "authorization_pending"
    done = await answer_device(remit, world, told["user_code"])
    assert "Go back to your device" in text_of(done)
    got = await poll(remit, world, client, told["device_code"])
    assert (got.status_code, got.json()["scope"]) == (200, "openid read:calendar write:calendar")
    claims = claims_of(got.json()["access_token"])
    assert (claims["sub"], claims["aud"], claims["client_id"]) == (world.alice.id, CALENDAR, client.id)
    identity = claims_of(got.json()["id_token"])
    assert (identity["sub"], identity["amr"]) == (world.alice.id, ["pwd"])
    assert "nonce" not in identity
    assert (await introspect(remit, world, got.json()["access_token"]))["active"]
    again = await refresh(remit, world, client, got.json()["refresh_token"])
    assert again.status_code == 200
    used = await poll(remit, world, client, told["device_code"])
    assert (used.status_code, used.json()["error"]) == (400, "invalid_grant")
    # It is the device that asked twice, so nothing ends by it.
    assert (await introspect(remit, world, got.json()["access_token"]))["active"]


async def test_what_a_device_got_stands_on_the_same_grant_as_what_a_browser_brought(remit, world):
    by_code = claims_of((await get_tokens(remit, world, world.web))["access_token"])
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    by_device = claims_of((await poll(remit, world, world.web, told["device_code"])).json()["access_token"])
    assert by_device["grant_id"] == by_code["grant_id"]
    assert by_device["line_id"] != by_code["line_id"]


@pytest.mark.requirement("DEV-4")
@pytest.mark.parametrize("where", ["at the question", "at the consent page"])
async def test_a_no_is_told_to_the_device(remit, world, alice, where):
    told = await codes(remit, world, world.web)
    if where == "at the question":
        done = await go_on(alice, await type_in(alice, world, told["user_code"]), "cancel")
    else:
        done = await answer_device(remit, world, told["user_code"], "deny", browser=alice)
    assert "Nothing was allowed" in text_of(done)
    answer = await poll(remit, world, world.web, told["device_code"])
    assert (answer.status_code, answer.json()["error"]) == (400, "access_denied")
    (denied,) = await remit.events(world, type="consent.denied")
    assert denied["what"]["device"] == told["device_code"].removeprefix("rmt_dc_").partition(".")[0]
    # And the code is of no more use to anybody.
    assert "No device waits with this code" in text_of(await type_in(alice, world, told["user_code"]))


@pytest.mark.requirement("DEV-4")
async def test_polling_has_its_pace(remit, world):
    told = await codes(remit, world, world.web)

    async def heard(seconds: int) -> str:
        remit.clock.forward(seconds=seconds)
        error: str = (await poll(remit, world, world.web, told["device_code"])).json()["error"]
        return error

    pending, slower = "authorization_pending", "slow_down"
    assert [await heard(seconds) for seconds in (0, 5, 4, 9, 15, 14, 20)] == [
        *(pending, pending, slower, slower, pending, slower, pending)
    ]
    remit.clock.forward(seconds=300)
    assert await heard(0) == "expired_token"
    # None of it is a refusal, so the log holds the last one alone.
    assert [event["what"]["code"] for event in await remit.events(world, type="token.refused")] == ["expired_token"]


@pytest.mark.requirement("DEV-4")
async def test_many_polls_at_once_have_one_winner(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    answers = await asyncio.gather(*(poll(remit, world, world.web, told["device_code"]) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert {answer.json().get("error") for answer in answers} == {None, "invalid_grant"}


@pytest.mark.requirement("DEV-5")
async def test_the_code_is_its_clients(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    await let_devices(remit, world, world.rival)
    for client in (world.local, world.rival):
        stranger = await poll(remit, world, client, told["device_code"])
        assert (stranger.status_code, stranger.json()["error"]) == (400, "invalid_grant")
    assert (await poll(remit, world, world.web, told["device_code"])).status_code == 200


async def test_a_late_yes_leaves_the_device_a_minute(remit, world, alice):
    told = await codes(remit, world, world.web)
    remit.clock.forward(seconds=290)
    await answer_device(remit, world, told["user_code"], browser=alice)
    remit.clock.forward(seconds=59)
    assert (await poll(remit, world, world.web, told["device_code"])).status_code == 200


async def test_a_yes_after_its_end_is_none(remit, world, alice):
    told = await codes(remit, world, world.web)
    remit.clock.forward(seconds=200)
    page = await to_consent(alice, world, told["user_code"])
    remit.clock.forward(seconds=100)
    late = await submit(alice, page, answered(page))
    assert (late.status_code, "too old" in text_of(late)) == (400, True)
    assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "expired_token"
    assert await remit.events(world, type="consent.given") == []


REFUSED = {
    "nothing that it may have": ({"scope": "tickets.update"}, "invalid_scope"),
    "a resource that is none here": ({"resource": "https://nowhere.example/"}, "invalid_target"),
    "two resources": ({"resource": [CALENDAR, "https://tickets.example/api"]}, "invalid_target"),
    "a scope that is none": ({"scope": 'a"b'}, "invalid_scope"),
    "details of a kind that it did not register": ({"authorization_details": "[]"}, "invalid_authorization_details"),
    "an age that is none": ({"max_age": "soon"}, "invalid_request"),
}


@pytest.mark.requirement("DEV-1")
@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED)
async def test_what_nobody_could_allow_is_refused_at_once(remit, world, changes, error):
    answer = await ask_for_codes(remit, world, world.web, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    told = await remit.events(world, type="refusals.counted")
    assert answer.json()["error_description"]
    assert told == []  # it is counted, and told when the minute is over


async def test_the_default_resource_and_scopes_hold_here_too(remit, world):
    told = await codes(remit, world, world.web, scope=None, resource=None, max_age="600")
    await answer_device(remit, world, told["user_code"])
    assert (await poll(remit, world, world.web, told["device_code"])).json()["scope"] == "read:calendar"


@pytest.mark.requirement("DEV-1", "DEV-6")
async def test_a_client_has_to_be_registered_for_it_and_to_prove_itself(remit, world):
    answer = await ask_for_codes(remit, world, world.keyed)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    wrong = {"client_id": world.web.id, "client_secret": "wrong"}
    answer = await remit.http.post(f"{world.issuer}/oauth/device_authorization", data=wrong)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert (await remit.http.get(f"{world.issuer}/oauth/device_authorization")).status_code == 405


@pytest.mark.requirement("DEV-6")
async def test_it_is_off_until_a_tenant_turns_it_on_and_ends_when_it_turns_it_off(remit):
    world = remit.acme
    well_known = f"{world.issuer}/.well-known/openid-configuration"
    before = (await remit.http.get(well_known)).json()
    assert "device_authorization_endpoint" not in before
    assert DEVICE_CODE not in before["grant_types_supported"]
    sure(
        await change_client(
            world.tenant.id,
            remit.deps,
            SEEDER,
            replace(world.web, grant_types=world.web.grant_types | {GrantType.DEVICE_CODE}),
        )
    )
    assert "device flow is off" in (await ask_for_codes(remit, world, world.web)).json()["error_description"]
    await let_devices(remit, world)
    now = (await remit.http.get(well_known)).json()
    assert now["device_authorization_endpoint"] == f"{world.issuer}/oauth/device_authorization"
    assert DEVICE_CODE in now["grant_types_supported"]
    told, other = await codes(remit, world, world.web), await codes(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        await answer_device(remit, world, told["user_code"], browser=browser)
        page = await to_consent(browser, world, other["user_code"])
        await choose_asking(world.tenant.id, remit.deps, SEEDER, device_flow=False)
        assert "device flow is off" in text_of(await submit(browser, page, answered(page)))
        assert "device flow is off" in text_of(await browser.get(f"{world.issuer}/device"))
    for code in (told, other):
        answer = await poll(remit, world, world.web, code["device_code"])
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.requirement("DEV-3")
async def test_nothing_goes_on_by_itself(remit, world):
    """Opening the link that holds the code, signed in or not, allowed before or not, shows pages and nothing else."""
    await approve(remit, world, world.web)
    told = await codes(remit, world, world.web)
    async with remit.browser() as browser:
        page = await follow(browser, await browser.get(told["verification_uri_complete"]))
        assert page.url.path.endswith("/login")
        page = await sign_in(browser, page)
        assert form_to(page, "/device").value("user_code") == told["user_code"]
        assert "code that somebody sent you" in text_of(page)
        assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "authorization_pending"
        question = await submit(browser, page, form_to(page, "/device"))
        assert "Did you start this yourself?" in text_of(question)
        assert told["user_code"] in text_of(question)
        assert world.agent.name in text_of(question)
        remit.clock.forward(seconds=5)
        assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "authorization_pending"
        consent = await go_on(browser, question)
        # The same question as ever, although the very same was allowed before.
        assert form_to(consent, "/consent").options("scope") == {"read:calendar", "write:calendar"}
        assert told["user_code"] in text_of(consent)
        assert "if somebody sent you the code, choose Deny" in text_of(consent)


async def test_what_a_device_was_allowed_is_not_remembered_for_a_browser(remit, world, alice):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"], browser=alice)
    page = await to_consent(alice, world, (await codes(remit, world, world.web))["user_code"])
    assert page.url.path.endswith("/consent")


@pytest.mark.requirement("DEV-3")
async def test_the_question_belongs_to_the_browser_that_was_asked(remit, world, alice):
    told = await codes(remit, world, world.web)
    page = await type_in(alice, world, told["user_code"])
    form = form_to(page, "/device/answer")
    async with remit.browser() as other:
        await visit(other, world, "mallory@example.com")
        theirs = form_to(await other.get(f"{world.issuer}/device"), "/device")
        theirs.action = form.action
        theirs.put("ix", form.value("ix"))
        theirs.put("decision", "go")
        refused = await submit(other, page, theirs)
    assert (refused.status_code, "was not asked in this browser" in text_of(refused)) == (400, True)


async def test_one_answer_is_enough(remit, world, alice):
    told = await codes(remit, world, world.web)
    first = await to_consent(alice, world, told["user_code"])
    second = await to_consent(alice, world, told["user_code"])
    await submit(alice, first, answered(first, "deny"))
    again = await submit(alice, second, answered(second))
    assert (again.status_code, "was answered or is too old" in text_of(again)) == (400, True)
    assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "access_denied"


async def test_whoever_asks_for_a_fresh_sign_in_gets_one(remit, world, alice):
    remit.clock.forward(seconds=120)
    told = await codes(remit, world, world.web, max_age="60", scope="openid read:calendar")
    page = await to_consent(alice, world, told["user_code"])
    assert page.url.path.endswith("/login")
    page = await sign_in(alice, page)
    assert "Go back to your device" in text_of(await submit(alice, page, answered(page)))
    got = (await poll(remit, world, world.web, told["device_code"])).json()
    assert claims_of(got["id_token"])["auth_time"] == int(remit.clock.now().timestamp())


async def test_whoever_asks_for_two_factors_gets_nothing_for_less(remit, world, alice):
    told = await codes(remit, world, world.web, acr_values=MULTI_FACTOR)
    page = await to_consent(alice, world, told["user_code"])
    assert (page.status_code, "has no second factor" in text_of(page)) == (400, True)
    assert (await poll(remit, world, world.web, told["device_code"])).json()["error"] == "authorization_pending"


async def test_somebody_else_may_answer_from_the_same_page(remit, world, alice):
    told = await codes(remit, world, world.web)
    page = await to_consent(alice, world, told["user_code"])
    ix = form_to(page, "/consent").value("ix")
    page = await sign_in(alice, await alice.get(f"{world.issuer}/login?ix={ix}"), "mallory@example.com")
    await submit(alice, page, answered(page))
    got = (await poll(remit, world, world.web, told["device_code"])).json()
    assert claims_of(got["access_token"])["sub"] == world.mallory.id


async def test_the_log_tells_who_asked_and_who_answered(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    got = (await poll(remit, world, world.web, told["device_code"])).json()
    (asked,) = await remit.events(world, type="device.asked")
    (given,) = await remit.events(world, type="consent.given")
    issued = (await remit.events(world, type="token.issued"))[-1]
    assert asked["what"]["device"] == given["what"]["device"]
    assert (asked["who"]["client"], asked["what"]["scopes"]) == (world.web.id, ["read:calendar", "write:calendar"])
    assert given["who"]["user"] == world.alice.id
    assert issued["what"]["grant_type"] == DEVICE_CODE
    assert issued["who"]["line"] == given["who"]["line"] == claims_of(got["access_token"])["line_id"]
    log = str(await remit.events(world))
    assert told["user_code"] not in log
    assert told["device_code"] not in log


async def test_another_tenant_knows_nothing_of_it(remit, world, alice):
    await let_devices(remit, remit.globex)
    theirs = await codes(remit, remit.globex, remit.globex.web)
    assert "No device waits with this code" in text_of(await type_in(alice, world, theirs["user_code"]))
    answer = await poll(remit, world, world.web, theirs["device_code"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
