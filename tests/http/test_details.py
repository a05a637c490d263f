"""Authorization details on the wire: asked, agreed to, issued, narrowed and told (RFC 9396)."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from remit.core.oauth.details import TOOL_CALL
from remit.core.oauth.verdicts import Refusal
from remit.services.issuance import Issue, decide
from remit.services.live_tokens import LiveToken, judge_token
from remit.services.provisioning.changes import change_client, change_resource
from tests.http.api.world import api_as, api_of
from tests.http.refusals import refused
from tests.kit.flows import (
    act_for_itself,
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    introspect,
    push,
    pushed,
    redeem,
    refresh,
    request_for,
    request_object,
    visit,
)
from tests.kit.pages import submit, text_of
from tests.kit.registration import let_in
from tests.kit.world import SEEDER, TICKETS, sure

WIDE = {
    "type": TOOL_CALL,
    "tools": ["create_event", "move_event"],
    "arguments": {"seats": {"minimum": 1, "maximum": 12}, "room": {"one_of": ["<b>Blue</b>", 7, True]}},
    "max_calls": 5,
}
LESS = {**WIDE, "tools": ["create_event"], "max_calls": 1}
MORE = {**WIDE, "max_calls": 6}
SCOPE = "openid read:calendar write:calendar"
DETAILS = "invalid_authorization_details"


def said(*elements):
    return json.dumps(elements)


@pytest.fixture
async def world(remit):
    """Let two clients ask for limits, and the calendar keep to them."""
    world, tenant = remit.acme, remit.acme.tenant.id
    kinds = frozenset({TOOL_CALL})
    calendar = sure(await change_resource(tenant, remit.deps, SEEDER, replace(world.calendar, details_types=kinds)))
    web = sure(await change_client(tenant, remit.deps, SEEDER, replace(world.web, details_types=kinds)))
    keyed = sure(await change_client(tenant, remit.deps, SEEDER, replace(world.keyed, details_types=kinds)))
    return replace(world, calendar=calendar, web=web, keyed=keyed)


async def code_for(remit, world, *elements, **changes):
    answer = await approve(
        remit, world, world.web, scope=SCOPE, authorization_details=said(*elements or [WIDE]), **changes
    )
    return answer.code


@pytest.mark.requirement("RAR-1", "RAR-5", "RAR-6")
async def test_what_is_agreed_to_goes_with_every_token(remit, world):
    code = await code_for(remit, world)
    body = (await redeem(remit, world, world.web, code)).json()
    assert body["authorization_details"] == [WIDE]
    assert claims_of(body["access_token"])["authorization_details"] == [WIDE]
    assert (await introspect(remit, world, body["access_token"]))["authorization_details"] == [WIDE]
    again = (await refresh(remit, world, world.web, body["refresh_token"])).json()
    assert again["authorization_details"] == [WIDE]
    (given,) = [event for event in await remit.events(world) if event["type"] == "consent.given"]
    issued = [event for event in await remit.events(world) if event["type"] == "token.issued"]
    assert {given["what"]["details"], *(event["what"]["details"] for event in issued)} == {
        json.dumps([WIDE], separators=(",", ":"), sort_keys=True)
    }


@pytest.mark.requirement("RAR-5")
async def test_a_token_may_be_held_to_less_and_never_to_more(remit, world):
    code = await code_for(remit, world)
    refused(await redeem(remit, world, world.web, code, authorization_details=said(MORE)), DETAILS)
    first = (await redeem(remit, world, world.web, code, authorization_details=said(LESS))).json()
    assert claims_of(first["access_token"])["authorization_details"] == first["authorization_details"] == [LESS]
    # The line keeps all of it, and a refused try costs nothing.
    token = first["refresh_token"]
    for wider in (said(MORE), said(LESS, WIDE), said({**WIDE, "tools": ["drop_event"]}), "[]", "x"):
        refused(await refresh(remit, world, world.web, token, authorization_details=wider), DETAILS)
    second = (await refresh(remit, world, world.web, token)).json()
    assert second["authorization_details"] == [WIDE]
    replayed = (await refresh(remit, world, world.web, token, authorization_details=said(LESS))).json()
    assert (replayed["authorization_details"], replayed["refresh_token"]) == ([LESS], second["refresh_token"])


@pytest.mark.requirement("RAR-1", "RAR-5")
async def test_an_agent_that_acts_for_itself_may_be_held_to_limits(remit, world):
    body = (
        await act_for_itself(remit, world, world.web, scope="read:calendar", authorization_details=said(WIDE))
    ).json()
    assert claims_of(body["access_token"])["authorization_details"] == body["authorization_details"] == [WIDE]
    body = (await act_for_itself(remit, world, world.web, scope="read:calendar")).json()
    assert "authorization_details" not in body
    assert "authorization_details" not in claims_of(body["access_token"])


@pytest.mark.requirement("RAR-7")
async def test_the_page_says_the_limits_in_words(remit, world):
    async with remit.browser() as browser:
        await visit(browser, world)
        at = int(remit.clock.now().timestamp()) + 600
        other = {"type": TOOL_CALL, "tools": ["list"], "identifier": "team", "actions": ["read"], "not_after": at}
        asked = request_for(world.web, authorization_details=said(WIDE, other))
        page = await ask(browser, world, asked)
        text = text_of(page)
        for words in (
            "Only within these limits Only with create_event , move_event",
            "How often at most 5 times",
            "room one of “<b>Blue</b>”, 7, yes",
            "seats from 1 to 12",
            "Or with list Only on “team” Only to read Until",
            "Calendar keeps it to them",
        ):
            assert words in text, text
        assert "<b>Blue" not in page.text
        code = answer_of(await submit(browser, page, answered(page))).code
    # An approval of several ways lasts as long as the last of them may.
    body = (await redeem(remit, world, world.web, code)).json()
    assert body["expires_in"] == 900
    narrowed = (await refresh(remit, world, world.web, body["refresh_token"], authorization_details=said(other))).json()
    assert narrowed["expires_in"] == 600
    remit.clock.forward(seconds=600)
    left = (await refresh(remit, world, world.web, narrowed["refresh_token"])).json()
    assert left["authorization_details"] == [WIDE]


async def test_an_approval_ends_with_its_last_limit(remit, world):
    at = int(remit.clock.now().timestamp()) + 60
    body = (await redeem(remit, world, world.web, await code_for(remit, world, {**WIDE, "not_after": at}))).json()
    assert body["expires_in"] <= 60
    remit.clock.forward(seconds=60)
    refused(await refresh(remit, world, world.web, body["refresh_token"]), "invalid_grant")


@pytest.mark.requirement("RAR-9")
async def test_only_exactly_the_same_is_remembered(remit, world):
    async with remit.browser() as browser:
        await visit(browser, world)
        await approve(remit, world, world.web, browser=browser, authorization_details=said(WIDE))
        for elements, silent in (([WIDE], True), ([LESS], False), (None, False), ([WIDE, LESS], False)):
            details = None if elements is None else json.dumps(elements, indent=1)
            page = await ask(browser, world, request_for(world.web, authorization_details=details))
            assert page.is_redirect == silent, elements


REFUSED = {
    "no JSON": ("x", {}, "JSON array"),
    "more than is known": (said({**WIDE, "price": 1}), {}, "no other members"),
    "for another place": (said({**WIDE, "locations": [TICKETS]}), {}, "locations"),
    "for an API that keeps to none": (said(WIDE), {"resource": TICKETS, "scope": "tickets.update"}, "takes no such"),
}


@pytest.mark.requirement("RAR-1", "RAR-2", "RAR-4", "PAR-3")
@pytest.mark.parametrize(("details", "changes", "hint"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_is_refused_wherever_it_is_asked(remit, world, details, changes, hint):
    asked = request_for(world.web, authorization_details=details, **changes)
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert (answer.fields["error"], hint in answer.fields["error_description"]) == (DETAILS, True)
    assert hint in refused(await push(remit, world, world.web, **asked), DETAILS)


@pytest.mark.requirement("RAR-2", "RAR-8")
async def test_a_client_that_registered_no_type_asks_for_none(remit, world):
    asked = request_for(world.rival, authorization_details=said(WIDE))
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert (answer.fields["error"], "not registered" in answer.fields["error_description"]) == (DETAILS, True)


@pytest.mark.requirement("RAR-1", "JAR-1", "PAR-1")
@pytest.mark.parametrize("way", ["pushed", "signed"])
async def test_it_may_be_pushed_and_signed(remit, world, way):
    async with remit.browser() as browser:
        await visit(browser, world)
        if way == "pushed":
            asked = await pushed(remit, world, world.keyed, authorization_details=said(WIDE))
        else:
            # In a request object it stands as JSON; what stands beside it does not count.
            signed = request_object(remit, world, world.keyed, authorization_details=[WIDE])
            asked = {"client_id": world.keyed.id, "request": signed, "authorization_details": said(MORE)}
        page = await ask(browser, world, asked)
        code = answer_of(await submit(browser, page, answered(page))).code
    assert (await redeem(remit, world, world.keyed, code)).json()["authorization_details"] == [WIDE]


async def test_where_nobody_keeps_to_the_limits_any_more_nothing_is_left(remit, world):
    body = (await redeem(remit, world, world.web, await code_for(remit, world))).json()
    dropped = replace(world.calendar, details_types=frozenset())
    sure(await change_resource(world.tenant.id, remit.deps, SEEDER, dropped))
    assert await introspect(remit, world, body["access_token"]) == {"active": False}
    answer = await refresh(remit, world, world.web, body["refresh_token"])
    assert "no longer keeps" in refused(answer, "invalid_grant")
    sure(await change_resource(world.tenant.id, remit.deps, SEEDER, world.calendar))
    assert (await refresh(remit, world, world.web, body["refresh_token"])).status_code == 200


@pytest.mark.requirement("RAR-5")
async def test_what_comes_out_of_a_token_is_held_to_what_it_was(remit, world):
    here = {**LESS, "tools": ["move_event"], "locations": [world.calendar.uri]}
    body = (await redeem(remit, world, world.web, await code_for(remit, world, WIDE, here))).json()
    asked = said(LESS, here)
    token = (await refresh(remit, world, world.web, body["refresh_token"], authorization_details=asked)).json()
    async with remit.deps.db.read(world.tenant.id) as work:
        live = await judge_token(work, token["access_token"], remit.deps)
        assert isinstance(live, LiveToken)
        there = replace(world.tickets, details_types=world.calendar.details_types)
        for resource, left in ((world.calendar, [LESS, here]), (there, [LESS])):
            issue = await decide(
                work, replace(live.chain, resource=resource), frozenset({"openid"}), remit.deps, proven=None
            )
            assert isinstance(issue, Issue)
            assert json.loads(issue.claims.details or "[]") == left
        refusal = await decide(
            work, replace(live.chain, resource=world.tickets), frozenset({"openid"}), remit.deps, proven=None
        )
        assert isinstance(refusal, Refusal)


@pytest.mark.requirement("RAR-8")
async def test_a_client_may_register_the_types_itself(remit):
    await let_in(remit, remit.acme)
    body = {"redirect_uris": ["https://new.example/cb"], "authorization_details_types": [TOOL_CALL, "payment"]}
    told = (await remit.http.post(f"{remit.acme.issuer}/oauth/register", json=body)).json()
    assert told["authorization_details_types"] == [TOOL_CALL]


async def test_a_type_that_nobody_knows_is_not_registered(remit):
    world, tenant = remit.acme, remit.acme.tenant.id
    other = frozenset({"payment"})
    for refusal in (
        await change_client(tenant, remit.deps, SEEDER, replace(world.web, details_types=other)),
        await change_resource(tenant, remit.deps, SEEDER, replace(world.calendar, details_types=other)),
    ):
        assert isinstance(refusal, Refusal)
        assert TOOL_CALL in refusal.hint


async def test_what_was_agreed_to_is_shown_to_whoever_agreed_and_to_whoever_governs(remit, world):
    code = await code_for(remit, world)
    token = (await redeem(remit, world, world.web, code)).json()["access_token"]
    grant = claims_of(token)["grant_id"]
    for email, pages in (("alice", ("/account",)), ("admin", ("/console/grants", f"/console/agents/{world.agent.id}"))):
        async with remit.browser() as browser:
            await visit(browser, world, email=f"{email}@example.com")
            for path in pages:
                text = text_of(await browser.get(f"{world.issuer}{path}"))
                for part in ("Only within limits", "move_event", "at most 5 times", "from 1 to 12"):
                    assert part in text, (path, text)
    api = await api_of(remit, world)
    (line,) = (await api.get(f"/grants/{grant}/lines")).json()["lines"]
    assert line["authorization_details"] == [WIDE]
    person = await api_as(remit, world, "alice@example.com")
    held = {own["id"]: own["held_to"] for own in (await person.get("/own/grants")).json()["grants"]}
    assert [each["authorization_details"] for each in held[grant]] == [[WIDE]]
    # An approval that ended holds nothing back, and one without limits has none to show.
    await person.post(f"/own/grants/{grant}/stop", {})
    assert set(map(len, (own["held_to"] for own in (await person.get("/own/grants")).json()["grants"]))) == {0}
