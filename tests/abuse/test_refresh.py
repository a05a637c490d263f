"""REF: rotation of refresh tokens."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from remit.core.agents import ScopeKey
from remit.core.users import UserState
from remit.services.grant_changes import narrow_any
from remit.services.provisioning.agents import publish_remit
from remit.services.provisioning.users import set_rights, set_user_state, turn_rights_on
from tests.abuse.doors import doors_of
from tests.http.refusals import refused
from tests.kit.flows import (
    VERIFIER,
    approve,
    claims_of,
    get_tokens,
    introspect,
    redeem,
    refresh,
    sign_out,
    visit,
)
from tests.kit.world import SEEDER, TICKETS, sure

BOTH = "read:calendar write:calendar"


@pytest.mark.parametrize("who", ["local", "web", "keyed"])
async def test_b_ref_01_twenty_at_once_get_one_successor(remit, who):
    world = remit.acme
    client = getattr(world, who)
    text = (await get_tokens(remit, world, client, scope=BOTH))["refresh_token"]
    for _ in range(10):
        answers = await asyncio.gather(*(refresh(remit, world, client, text) for _ in range(20)))
        assert {answer.status_code for answer in answers} == {200}
        bodies = [answer.json() for answer in answers]
        (text,) = {body["refresh_token"] for body in bodies}
        assert len({claims_of(body["access_token"])["jti"] for body in bodies}) == 20
    # Each distinct token that was handed out is tried once: the client holds one that works.
    assert (await refresh(remit, world, client, text)).status_code == 200
    assert await remit.events(world, type="token.reuse_detected") == []


@pytest.mark.parametrize("who", ["local", "web", "keyed"])
async def test_b_ref_02_a_lost_answer_is_repeated(remit, who):
    world = remit.acme
    client = getattr(world, who)
    first = await get_tokens(remit, world, client, scope=BOTH)
    lost = (await refresh(remit, world, client, first["refresh_token"])).json()
    for _ in range(3):
        remit.clock.forward(seconds=3)
        again, events = await remit.events_of(world, refresh(remit, world, client, first["refresh_token"]))
        assert again.status_code == 200
        body = again.json()
        assert body["refresh_token"] == lost["refresh_token"]
        assert claims_of(body["access_token"])["jti"] != claims_of(lost["access_token"])["jti"]
        assert [(event["type"], event["what"]["replay"]) for event in events] == [("token.issued", True)]
    assert (await refresh(remit, world, client, lost["refresh_token"])).status_code == 200


@pytest.mark.parametrize("thief", ["local", "rival", "keyed"])
async def test_b_ref_02_a_lost_answer_is_repeated_to_nobody_else(remit, thief):
    world = remit.acme
    first = await get_tokens(remit, world, world.web, scope=BOTH)
    lost = (await refresh(remit, world, world.web, first["refresh_token"])).json()
    stolen, events = await remit.events_of(world, refresh(remit, world, getattr(world, thief), first["refresh_token"]))
    unknown = await refresh(remit, world, getattr(world, thief), "rmt_rt_nobody")
    assert refused(stolen, "invalid_grant") == refused(unknown, "invalid_grant")
    findings = [event for event in events if event["type"] == "token.reuse_detected"]
    assert [(event["outcome"], event["what"]["reason"]) for event in findings] == [
        ("alarm", "presented_by_another_client")
    ]
    for text in (first["refresh_token"], lost["refresh_token"]):
        refused(await refresh(remit, world, world.web, text), "invalid_grant")
    for body in (first, lost):
        assert await introspect(remit, world, body["access_token"]) == {"active": False}


GROWING = {
    "one scope more": "read:calendar write:calendar",
    "another one": "delete:calendar",
    "one that nobody knows": "admin",
    "one of another resource": "read:calendar tickets.update",
    "identity": "read:calendar openid",
    "offline access": "read:calendar offline_access",
}


@pytest.mark.parametrize("scope", GROWING.values(), ids=GROWING)
async def test_b_ref_04_a_refresh_never_gets_more(remit, scope):
    world = remit.acme
    # The user allows the same client more before and after: this line stays what it was.
    await approve(remit, world, world.web, scope="openid read:calendar write:calendar delete:calendar")
    text = (await get_tokens(remit, world, world.web, scope="read:calendar", prompt="consent"))["refresh_token"]
    await approve(remit, world, world.web, scope="delete:calendar", prompt="consent")
    refused(await refresh(remit, world, world.web, text, scope=scope), "invalid_scope")
    for asked in (None, "", "read:calendar"):
        answer = await refresh(remit, world, world.web, text, scope=asked)
        body = answer.json()
        assert (body["scope"], claims_of(body["access_token"])["scope"]) == ("read:calendar", "read:calendar")
        text = body["refresh_token"]


async def test_b_ref_04_a_narrowed_token_is_narrow_at_the_api(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope=BOTH)
    async with doors_of(remit, world) as doors:

        async def writes(access):
            answer = await doors.guarded.post("/events", headers={"authorization": f"Bearer {access}"}, content=b"x")
            return answer.status_code

        assert await writes(tokens["access_token"]) == 200
        narrow = (await refresh(remit, world, world.web, tokens["refresh_token"], scope="read:calendar")).json()
        assert narrow["scope"] == "read:calendar"
        assert await writes(narrow["access_token"]) == 403
        assert (await introspect(remit, world, narrow["access_token"]))["scope"] == "read:calendar"
        # The line itself did not shrink, and did not grow.
        full = (await refresh(remit, world, world.web, narrow["refresh_token"])).json()
        assert full["scope"] == BOTH
        assert await writes(full["access_token"]) == 200


async def test_b_ref_05_nothing_of_another_grant_type_is_looked_at(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="read:calendar")
    wide = "delete:calendar openid read:calendar write:calendar"
    code = (await approve(remit, world, world.web, scope=wide, prompt="consent")).code
    smuggled = {"code": code, "code_verifier": VERIFIER, "redirect_uri": "https://app.example/cb"}
    text = tokens["refresh_token"]
    refused(await refresh(remit, world, world.web, text, **smuggled, scope=wide), "invalid_scope")
    refused(await refresh(remit, world, world.web, text, **smuggled, resource=TICKETS), "invalid_target")
    refused(await refresh(remit, world, world.web, text, **smuggled, resource="https://r9.example/"), "invalid_target")
    url = f"{world.issuer}/oauth/token?client_id={world.rival.id}&scope={wide.replace(' ', '+')}"
    fields = {"grant_type": "refresh_token", "refresh_token": text, **smuggled}
    answer = await remit.http.post(url, data=fields, auth=(world.web.id, world.web_secret.reveal()))
    assert answer.status_code == 200
    assert answer.json()["scope"] == claims_of(answer.json()["access_token"])["scope"] == "read:calendar"
    assert "id_token" not in answer.json()
    other = {**fields, "client_id": world.rival.id}
    answer = await remit.http.post(url, data=other, auth=(world.web.id, world.web_secret.reveal()))
    assert answer.status_code in {400, 401}
    twice = await remit.http.post(
        f"{world.issuer}/oauth/token",
        content=f"grant_type=refresh_token&grant_type=authorization_code&refresh_token={text}&code={code}",
        headers={"content-type": "application/x-www-form-urlencoded"},
        auth=(world.web.id, world.web_secret.reveal()),
    )
    refused(twice, "invalid_request")
    # The wide code was not touched.
    assert (await redeem(remit, world, world.web, code)).json()["scope"] == wide


async def lower_the_remit(remit, world):
    keys = frozenset({ScopeKey(world.calendar.id, "read:calendar")})
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=keys))


async def take_from_alice(remit, world):
    await turn_rights_on(world.tenant.id, remit.deps, SEEDER)
    keep = frozenset({"read:calendar"})
    await set_rights(world.tenant.id, remit.deps, SEEDER, user=world.alice.id, resource=world.calendar.id, scopes=keep)


async def narrow_the_grant(remit, world):
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
    sure(
        await narrow_any(world.tenant.id, grant.id, frozenset({"read:calendar"}), remit.deps, SEEDER, reason="too much")
    )


async def take_the_scope_away(remit, world):
    remit.sql(
        "delete from scope where tenant = :tenant and resource_id = :resource and name = 'write:calendar'",
        tenant=world.tenant.id,
        resource=world.calendar.id,
    )


NARROWED = {
    "the agent's remit": (lower_the_remit, "remit"),
    "the user's rights": (take_from_alice, "user's rights"),
    "the grant": (narrow_the_grant, "grant"),
    "the resource's scopes": (take_the_scope_away, "resource"),
}


@pytest.mark.parametrize(("take", "ceiling"), NARROWED.values(), ids=NARROWED)
async def test_b_ref_06_what_was_taken_away_does_not_come_back(remit, take, ceiling):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope=BOTH)
    await take(remit, world)
    answer, events = await remit.events_of(world, refresh(remit, world, world.web, tokens["refresh_token"]))
    body = answer.json()
    assert (body["scope"], claims_of(body["access_token"])["scope"]) == ("read:calendar", "read:calendar")
    (issued,) = [event for event in events if event["type"] == "token.issued"]
    assert f"{ceiling}:write:calendar" in issued["what"]["removed"]
    # Naming it does not help, and what was issued before is judged by what holds now.
    again = await refresh(remit, world, world.web, body["refresh_token"], scope=BOTH)
    assert again.json()["scope"] == "read:calendar"
    told = await introspect(remit, world, tokens["access_token"])
    assert told == {"active": False} or told["scope"] == "read:calendar"


async def take_everything(remit, world):
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=frozenset()))


async def deactivate_alice(remit, world):
    sure(
        await set_user_state(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
        )
    )


async def forbid_refreshing(remit, world):
    remit.sql(
        "update client set grant_types = '[\"authorization_code\"]' where tenant = :t and id = :id",
        t=world.tenant.id,
        id=world.web.id,
    )


ENDED = {
    "nothing is left of the remit": (take_everything, "invalid_grant"),
    "the user is inactive": (deactivate_alice, "invalid_grant"),
    "the client may not refresh any more": (forbid_refreshing, "unauthorized_client"),
}


@pytest.mark.parametrize(("take", "error"), ENDED.values(), ids=ENDED)
async def test_b_ref_06_where_nothing_is_left_refreshing_ends(remit, take, error):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope=BOTH)
    await take(remit, world)
    answer, events = await remit.events_of(world, refresh(remit, world, world.web, tokens["refresh_token"]))
    refused(answer, error)
    assert {event["type"] for event in events} == {"token.refused"}


async def test_b_ref_06_the_right_to_act_while_the_user_is_away_ends_with_his_session(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        answer = await approve(remit, world, world.web, browser=browser, scope=BOTH, away="no")
        tokens = (await redeem(remit, world, world.web, answer.code)).json()
        renewed = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
        await sign_out(remit, browser, world)
    refused(await refresh(remit, world, world.web, renewed["refresh_token"]), "invalid_grant")
    assert await introspect(remit, world, renewed["access_token"]) == {"active": False}


async def test_b_ref_07_no_activity_outlives_the_absolute_limit(remit):
    world = remit.acme
    began = remit.clock.now()
    end = began + timedelta(days=30)
    tokens = await get_tokens(remit, world, world.web, scope=BOTH)
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
        (line,) = await work.lines.list(grant.id)
    assert line.expires_at == end
    for _ in range(4):
        remit.clock.forward(days=6)
        tokens = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    # Five minutes before the end a token still comes, but it lives no longer than the end.
    remit.clock.forward(days=5, hours=23, minutes=55)
    spent = tokens["refresh_token"]
    last = (await refresh(remit, world, world.web, spent)).json()
    assert last["expires_in"] == 300
    assert claims_of(last["access_token"])["exp"] == int(end.timestamp())
    # Repeating a lost answer restarts no timer either.
    remit.clock.forward(seconds=20)
    repeated = (await refresh(remit, world, world.web, spent)).json()
    assert repeated["refresh_token"] == last["refresh_token"]
    assert claims_of(repeated["access_token"])["exp"] == int(end.timestamp())
    remit.clock.forward(seconds=280)
    refused(await refresh(remit, world, world.web, last["refresh_token"]), "invalid_grant")
    for body in (last, repeated):
        assert await introspect(remit, world, body["access_token"]) == {"active": False}


async def test_b_ref_07_a_replay_does_not_slide(remit):
    world = remit.acme
    first = (await get_tokens(remit, world, world.web, scope=BOTH))["refresh_token"]
    second = (await refresh(remit, world, world.web, first)).json()["refresh_token"]
    for _ in range(2):
        remit.clock.forward(seconds=14)
        assert (await refresh(remit, world, world.web, first)).json()["refresh_token"] == second
    remit.clock.forward(seconds=2)
    refused(await refresh(remit, world, world.web, first), "invalid_grant")


async def test_b_ref_07_what_is_not_used_is_over_sooner(remit):
    world = remit.acme
    idle = remit.deps.lifetimes.refresh_idle_days
    text = (await get_tokens(remit, world, world.web, scope=BOTH))["refresh_token"]
    remit.clock.forward(days=idle - 1)
    text = (await refresh(remit, world, world.web, text)).json()["refresh_token"]
    remit.clock.forward(days=idle)
    refused(await refresh(remit, world, world.web, text), "invalid_grant")
