"""Clients are told that somebody signed out (OpenID Connect Back-Channel Logout), by real connections to their site."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import pytest

from remit.core.oauth.logout import DEFERRED, EVENT, LEASE, WAITS
from remit.core.outbound import Unreachable
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.crypto.compact import take_apart
from remit.crypto.jose import read_public
from remit.services.logout_notices import Reply, settle, take_letters
from remit.services.provisioning.changes import change_client, retire_client
from remit.services.provisioning.users import set_user_state
from tests.kit.documents import fetching
from tests.kit.flows import claims_of, get_tokens, sign_out
from tests.kit.logout import end_session, logged_in, tell, told, with_logout
from tests.kit.site import site
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure


@pytest.fixture
async def here():
    async with site() as opened:
        yield opened


async def listening(remit, here, *, status="200 OK", **places):
    url = here.answer("/told", b"", status=status)
    return await with_logout(remit, backchannel_uri=url, backchannel_session=True, **places)


async def signed_out(remit, world):
    """Let Alice sign in to the client and out again; return her id token."""
    async with remit.browser() as browser:
        hint = await logged_in(remit, world, browser)
        await end_session(browser, world, id_token_hint=hint)
    return hint


async def outcomes(remit, world):
    return [event for event in await remit.events(world) if event["type"].startswith("logout.")]


@pytest.mark.requirement("LOGO-3", "LOGO-4")
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
async def test_a_client_is_told_by_a_signed_message(remit, here, alg):
    world = await listening(remit, here)
    world = replace(
        world, web=sure(await change_client(world.tenant.id, remit.deps, SEEDER, replace(world.web, id_token_alg=alg)))
    )
    async with fetching(remit):
        hint = claims_of(await signed_out(remit, world))
        await tell(remit)
        await tell(remit)
    head = here.requests[0].lower()
    assert head.startswith("post /told http/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded\r\n" in head
    assert "cookie" not in head
    assert "authorization" not in head
    (token,) = told(here)
    parts = take_apart(token)
    assert parts is not None
    assert (parts.header["typ"], parts.header["alg"]) == ("logout+jwt", alg)
    keys = (await remit.http.get(f"{world.issuer}/oauth/jwks")).json()["keys"]
    key = next(key for key in keys if key["kid"] == parts.header["kid"])
    public = read_public(key)
    assert public is not None
    assert public.verifies(parts.message, parts.signature)
    said = claims_of(token)
    at = int(remit.clock.now().timestamp())
    assert said.pop("jti")
    assert said == {
        "iss": world.issuer,
        "sub": world.alice.id,
        "aud": world.web.id,
        "iat": at,
        "exp": at + 120,
        "events": {EVENT: {}},
        "sid": hint["sid"],
    }
    (event,) = await outcomes(remit, world)
    assert (event["type"], event["what"]) == ("logout.delivered", {"tries": 1})
    assert event["who"]["user"] == world.alice.id


ENDS = {
    "the user signs out": lambda r, w, b: sign_out(r, b, w),
    "an administrator ends the session": lambda r, w, b: end_by_stop(r, w),
    "an administrator makes the user inactive": lambda r, w, b: deactivate(r, w),
}


async def end_by_stop(remit, world):
    async with remit.deps.db.read(world.tenant.id) as work:
        (grant,) = await work.grants.list(user=world.alice.id)
        (line,) = await work.lines.list(grant.id)
    await stop(remit, world, TargetKind.SESSION, line.session)


async def deactivate(remit, world):
    args = (world.tenant.id, remit.deps, SEEDER)
    sure(await set_user_state(*args, user=world.alice.id, state=UserState.INACTIVE, reason="left"))


@pytest.mark.requirement("LOGO-3")
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_whatever_ends_the_session_is_told_once(remit, here, end):
    world = await listening(remit, here)
    async with fetching(remit), remit.browser() as browser:
        await logged_in(remit, world, browser)
        await tell(remit)
        assert told(here) == []
        await end(remit, world, browser)
        await tell(remit)
    assert [claims_of(token)["sub"] for token in told(here)] == [world.alice.id]


@pytest.mark.requirement("LOGO-3")
async def test_only_clients_of_this_login_are_told(remit, here):
    world = await listening(remit, here)
    async with fetching(remit), remit.browser() as browser, remit.browser() as other:
        await logged_in(remit, world, other)  # at another browser
        page = await logged_in(remit, world, browser, scope="openid read:calendar")
        await sign_out(remit, browser, world)
        await tell(remit)
        assert [claims_of(token)["sid"] for token in told(here)] == [claims_of(page)["sid"]]
        # Who asked for no id token knows of no login.
        here.bodies.clear()
        async with remit.browser() as third:
            await get_tokens(remit, world, world.web, browser=third, scope="read:calendar", prompt="consent")
            await sign_out(remit, third, world)
        await tell(remit)
    assert told(here) == []


@pytest.mark.requirement("LOGO-3")
async def test_a_client_that_is_away_is_tried_again_and_then_given_up(remit, here):
    world = await listening(remit, here, status="503 Service Unavailable")
    async with fetching(remit):
        await signed_out(remit, world)
        for wait in (*WAITS, None):
            await tell(remit)
            before = len(here.bodies)
            await tell(remit)  # not before its time
            assert len(here.bodies) == before
            if wait is not None:
                remit.clock.forward(seconds=wait.total_seconds())
    assert len(here.bodies) == len(WAITS) + 1
    # Each try has a token of its own, in time when it is sent.
    assert len({claims_of(token)["jti"] for token in told(here)}) == len(WAITS) + 1
    (event,) = await outcomes(remit, world)
    assert (event["type"], event["what"]) == ("logout.failed", {"tries": 6, "reason": "answered with 503"})


ANSWERS = {
    "200": ("200 OK", "logout.delivered"),
    "204": ("204 No Content", "logout.delivered"),
    "400": ("400 Bad Request", "logout.failed"),
    "a redirect": ("302 Found", None),
    "501": ("501 Not Implemented", None),
}


@pytest.mark.requirement("LOGO-3")
@pytest.mark.parametrize(("status", "type_"), ANSWERS.values(), ids=ANSWERS)
async def test_what_an_answer_means(remit, here, status, type_):
    world = await listening(remit, here, status=status)
    async with fetching(remit):
        await signed_out(remit, world)
        await tell(remit)
    assert [event["type"] for event in await outcomes(remit, world)] == ([] if type_ is None else [type_])
    assert here.connections == 1


@pytest.mark.requirement("LOGO-3", "GEN-18")
async def test_nobody_is_told_inside_the_house(remit, here):
    world = await listening(remit, here)
    async with fetching(remit, networks=()):
        await signed_out(remit, world)
        for wait in (*WAITS, timedelta()):
            await tell(remit)
            remit.clock.forward(seconds=wait.total_seconds())
    assert here.connections == 0
    (event,) = await outcomes(remit, world)
    assert (event["type"], "not public" in event["what"]["reason"]) == ("logout.failed", True)


async def test_a_node_that_dies_over_it_leaves_it_to_another(remit, here):
    world = await listening(remit, here)
    async with fetching(remit):
        await signed_out(remit, world)
        # Two nodes at once: one has it. That one never comes back.
        taken = await asyncio.gather(*(take_letters(world.tenant.id, remit.deps) for _ in range(2)))
        assert sorted(len(letters) for letters in taken) == [0, 1]
        await tell(remit)
        assert told(here) == []
        remit.clock.forward(seconds=LEASE.total_seconds())
        await tell(remit)
        # It was not dead, only slow: what it has to say comes too late, and changes nothing.
        letters = next(letters for letters in taken if letters)
        late = [Reply(letter=letter, said=Unreachable("no answer")) for letter in letters]
        await settle(world.tenant.id, late, remit.deps)
        remit.clock.forward(hours=1)
        await tell(remit)
    assert len(told(here)) == 1
    assert [event["what"]["tries"] for event in await outcomes(remit, world)] == [2]


async def test_a_try_that_was_none_does_not_count(remit, here):
    world = await listening(remit, here)
    async with fetching(remit):
        now = remit.clock.now()
        for _ in range(60):
            remit.deps.outbound.to._throttle.allow("fetch", "app.example", limit=60, per_seconds=60, now=now)
        await signed_out(remit, world)
        await tell(remit)
        assert told(here) == []
        for _ in range(13):
            remit.clock.forward(seconds=DEFERRED.total_seconds())
            await tell(remit)
    assert [event["what"] for event in await outcomes(remit, world)] == [{"tries": 1}]


async def test_who_is_gone_meanwhile_is_not_told(remit, here):
    world = await listening(remit, here)
    async with fetching(remit):
        await signed_out(remit, world)
        sure(await retire_client(world.tenant.id, remit.deps, SEEDER, client=world.web.id, reason="gone"))
        await tell(remit)
    assert here.connections == 0
    assert [event["type"] for event in await outcomes(remit, world)] == ["logout.failed"]


async def test_a_logout_token_is_nothing_else(remit, here):
    world = await listening(remit, here)
    async with fetching(remit):
        await signed_out(remit, world)
        await tell(remit)
    (token,) = told(here)
    async with remit.deps.db.read(world.tenant.id) as work:
        keys = await work.keys.all()
    assert remit.deps.keyring.read_hint(world.tenant, keys, token) is None
    assert remit.deps.keyring.read_access(world.tenant, keys, token, now=remit.clock.now()) is None
    assert "nonce" not in json.dumps(claims_of(token))
