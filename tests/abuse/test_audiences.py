"""AUD: which API a token is for, and who issued it."""

from __future__ import annotations

import pytest

from tests.abuse.asking import consent_of
from tests.abuse.doors import api_token, doors_of
from tests.http.refusals import refused
from tests.kit.flows import (
    STATE,
    act_for_itself,
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    request_for,
    sign_in,
    userinfo,
)
from tests.kit.pages import submit
from tests.kit.world import BASE, CALENDAR, TICKETS


async def test_b_aud_01_a_token_of_one_resource_opens_no_other(remit):
    world = remit.acme
    tickets = (await get_tokens(remit, world, world.web, resource=TICKETS, scope="tickets.update"))["access_token"]
    calendar = (await get_tokens(remit, world, world.web, scope="read:calendar", prompt="consent"))["access_token"]
    api = await api_token(remit, world)
    async with doors_of(remit, world) as doors:
        # The guard is the calendar's, and introspection is asked by the calendar.
        assert await doors.which_open(calendar) == {"introspection", "guard"}
        assert await doors.which_open(tickets) == set()
        assert await doors.which_open(api) == {"api"}
        remit.clock.forward(minutes=2)
        _, refusals = await remit.events_of(world, doors.opens("api", calendar))
        told = [(event["type"], event["what"]["reason"]) for event in refusals if event["type"] != "refusals.counted"]
        assert told == [("api.refused", "the token is for another resource")]
    assert (await introspect(remit, world, tickets, by="tickets"))["aud"] == TICKETS
    assert await introspect(remit, world, calendar, by="tickets") == {"active": False}
    for text in (tickets, calendar, api):
        answer = await userinfo(remit, world, text)
        assert (answer.status_code, 'error="invalid_token"' in answer.headers["www-authenticate"]) == (401, True)
    # What the guard refused it has told its issuer, by the reason.
    denied = [event["what"] for event in await remit.events(world, type="decision.deny")]
    assert {event["reason"] for event in denied} == {"wrong_audience"}
    assert {event["path"] for event in denied} == {"/events"}


async def test_b_aud_02_a_token_is_never_for_no_or_any_resource(remit):
    world = remit.acme
    asked = request_for(world.local, resource=None, redirect_uri="http://127.0.0.1:53121/cb")
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.fields["error"] == "invalid_target"
    body = await get_tokens(remit, world, world.web, resource=None, scope="openid read:calendar")
    renewed = (await refresh(remit, world, world.web, body["refresh_token"])).json()
    itself = (await act_for_itself(remit, world, world.web)).json()
    for token in (body, renewed, itself):
        assert claims_of(token["access_token"])["aud"] == CALENDAR
    assert claims_of(body["id_token"])["aud"] == world.web.id
    # An identity scope alone is for that resource too, and the issuer is no audience.
    for resource in ("*", world.issuer, world.issuer + "/oauth/userinfo", BASE, "https://", "urn:any"):
        asked = request_for(world.web, resource=resource)
        answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
        assert answer.fields["error"] == "invalid_target", resource
        refused(await act_for_itself(remit, world, world.web, resource=resource), "invalid_target")


SAME = ("https://tickets.example/api", "https://TICKETS.example/api", "HTTPS://tickets.Example/api")
OTHERS = {
    "a slash behind": "https://tickets.example/api/",
    "the default port": "https://tickets.example:443/api",
    "another port": "https://tickets.example:8443/api",
    "a longer path": "https://tickets.example/api2",
    "a path below": "https://tickets.example/api/x",
    "a walk": "https://tickets.example/api/../api2",
    "a walk that comes back": "https://tickets.example/x/../api",
    "two slashes": "https://tickets.example//api",
    "a fragment": "https://tickets.example/api#f",
    "an empty fragment": "https://tickets.example/api#",
    "a query": "https://tickets.example/api?x",
    "without TLS": "http://tickets.example/api",
    "other letters in the path": "https://tickets.example/API",
    "an encoded letter": "https://tickets.example/%61pi",
    "a user": "https://x@tickets.example/api",
    "a dot behind the host": "https://tickets.example./api",
    "a space": "https://tickets.example/api ",
}


@pytest.mark.parametrize("spelling", SAME)
async def test_b_aud_03_one_spelling_is_in_every_token(remit, spelling):
    world = remit.acme
    code = (await approve(remit, world, world.web, resource=spelling, scope="tickets.update")).code
    body = (await redeem(remit, world, world.web, code, resource=spelling)).json()
    assert claims_of(body["access_token"])["aud"] == TICKETS == world.tickets.uri
    renewed = (await refresh(remit, world, world.web, body["refresh_token"], resource=spelling)).json()
    assert claims_of(renewed["access_token"])["aud"] == TICKETS
    assert (await introspect(remit, world, renewed["access_token"], by="tickets"))["aud"] == TICKETS


@pytest.mark.parametrize("spelling", OTHERS.values(), ids=OTHERS)
async def test_b_aud_03_every_other_form_is_another_resource(remit, spelling):
    world = remit.acme
    asked = request_for(world.web, resource=spelling, scope="tickets.update")
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.fields["error"] == "invalid_target"
    refused(await act_for_itself(remit, world, world.web, resource=spelling), "invalid_target")
    code = (await approve(remit, world, world.web, resource=TICKETS, scope="tickets.update")).code
    refused(await redeem(remit, world, world.web, code, resource=spelling), "invalid_target")
    body = (await redeem(remit, world, world.web, code)).json()
    refused(await refresh(remit, world, world.web, body["refresh_token"], resource=spelling), "invalid_target")


@pytest.mark.parametrize("slug", ["default", "acme", "globex"])
async def test_b_aud_04_every_answer_says_who_issued_it(remit, slug):
    world = remit.worlds[slug]
    path = "" if slug == "default" else f"/t/{slug}"
    told = (await remit.http.get(f"{BASE}/.well-known/oauth-authorization-server{path}")).json()
    assert told["issuer"] == world.issuer == BASE + path
    assert told["authorization_response_iss_parameter_supported"] is True
    async with remit.browser() as browser:
        page = await consent_of(browser, world)
        yes = answer_of(await submit(browser, page, answered(page)))
        page = await consent_of(browser, world, prompt="consent")
        no = answer_of(await submit(browser, page, answered(page, "deny")))
        silent = answer_of(await ask(browser, world, request_for(world.web)))
        wrong = answer_of(await ask(browser, world, request_for(world.web, scope="admin")))
        none = answer_of(await ask(browser, world, request_for(world.web, prompt="none", scope="delete:calendar")))
    assert {answer.fields["iss"] for answer in (yes, no, silent, wrong, none)} == {world.issuer}
    assert {answer.fields["state"] for answer in (yes, no, silent, wrong, none)} == {STATE}
    errors = [answer.fields.get("error") for answer in (yes, no, silent, wrong, none)]
    assert errors == [None, "access_denied", None, "invalid_scope", "consent_required"]
    tokens = (await redeem(remit, world, world.web, yes.code)).json()
    assert claims_of(tokens["access_token"])["iss"] == world.issuer


def test_b_aud_04_each_tenant_has_an_issuer_of_its_own(remit):
    assert len({world.issuer for world in remit.worlds.values()}) == 3


async def test_b_aud_04_a_login_in_between_changes_nothing_of_it(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, request_for(world.web)))
        answer = answer_of(await submit(browser, page, answered(page)))
    assert answer.fields["iss"] == world.issuer
