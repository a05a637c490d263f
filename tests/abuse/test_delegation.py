"""TX: token exchange and chains of agents."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from remit.core.delegation import MAX_DEPTH, Actor, write_actors, write_via
from remit.core.oauth.exchange import ACCESS_TOKEN
from remit.core.stops import TargetKind
from remit.core.users import UserState
from remit.services.provisioning.users import set_user_state
from remit.services.sessions import sign_out
from tests.abuse.doors import doors_of
from tests.abuse.knocking import start
from tests.http.refusals import refused
from tests.kit.delegation import EXCHANGE, about, acting_alone, acts_of, allow, exchange, handed_on, team
from tests.kit.flows import act_for_itself, claims_of, get_tokens, revoke, userinfo, visit
from tests.kit.registering import let_in, register
from tests.kit.stops import lift, stop
from tests.kit.world import HERE, SEEDER, sure

SCOPE = "read:calendar write:calendar"
READ = frozenset({"read:calendar"})


@pytest.fixture
async def three(remit):
    return await team(remit, remit.acme, "scheduler", "finder", "sender")


async def shown(remit, world, **changes):
    return (await get_tokens(remit, world, world.web, **{"scope": SCOPE, "prompt": "consent", **changes}))[
        "access_token"
    ]


async def test_b_tx_01_an_exchange_never_widens_a_scope(remit, three):
    world, (scheduler, finder, sender) = remit.acme, three
    reading = await shown(remit, world, scope="read:calendar")
    for scope in (SCOPE, "*", "read:calendar *", "delete:calendar", "READ:CALENDAR"):
        refused(await exchange(remit, world, scheduler, reading, finder.resource, scope=scope), "invalid_scope")
    # Left out: the remit holds more, and the token decides.
    first = await handed_on(remit, world, scheduler, reading, finder.resource)
    assert claims_of(first)["scope"] == "read:calendar"
    wide = await shown(remit, world)
    dropped = await handed_on(remit, world, scheduler, wide, finder.resource, scope="read:calendar")
    for scope in ("write:calendar", SCOPE):
        refused(await exchange(remit, world, finder, dropped, sender.resource, scope=scope), "invalid_scope")
    assert claims_of(await handed_on(remit, world, finder, dropped, sender.resource))["scope"] == "read:calendar"
    await allow(remit, world, scheduler.agent.id, {finder.resource: READ})
    wide = await shown(remit, world)
    hint = refused(await exchange(remit, world, scheduler, wide, finder.resource, scope="write:calendar"),
                   "invalid_scope")  # fmt: skip
    assert "remit took write:calendar" in hint


async def test_b_tx_02_without_its_subject_token_an_exchange_is_nothing_else(remit, three):
    world, (scheduler, finder, _) = remit.acme, three
    subject, uri = await shown(remit, world), finder.resource.uri
    where = f"{world.issuer}/oauth/token"
    good = [("grant_type", EXCHANGE.value), ("subject_token_type", ACCESS_TOKEN), ("resource", uri)]

    async def send(*fields, query=None):
        # httpx writes a mapping; a parameter that stands twice has to be written by hand.
        body = "&".join(f"{name}={value.replace(':', '%3A').replace('/', '%2F')}" for name, value in [*good, *fields])
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await remit.http.post(where, content=body, headers=headers, params=query, auth=scheduler.auth)

    assert (await send(("subject_token", subject))).status_code == 200
    for answer in (
        await send(),
        await send(("subject_token", "")),
        await send(("subject_token", subject), ("subject_token", subject)),
        await send(("subject_token", subject), ("subject_token", "x")),
        await send(query={"subject_token": subject}),
        await send(("subject_token", subject), query={"subject_token": subject}),
        await send(("subject_token", subject), ("requested_subject", "admin")),
        await send(("subject_token", subject), ("requested_subject", world.admin.id)),
    ):
        refused(answer, "invalid_request")
    for kind in ("urn:ietf:params:oauth:token-type:jwt", "access_token", "urn:ietf:params:oauth:token-type:saml2"):
        refused(await exchange(remit, world, scheduler, subject, uri, subject_token_type=kind), "invalid_request")
    told = await remit.events(world, type="token.exchanged")
    assert len(told) == 1


async def test_b_tx_03_chains_end_and_do_not_turn(remit, three):
    world, (scheduler, finder, sender) = remit.acme, three
    subject = await shown(remit, world)
    there = await handed_on(remit, world, scheduler, subject, finder.resource)
    back = await handed_on(remit, world, finder, there, scheduler.resource)
    for _ in range(20):
        hint = refused(await exchange(remit, world, scheduler, back, finder.resource), "invalid_request")
        assert "circles" in hint
    own = await acting_alone(remit, world, scheduler, scheduler.resource)
    fields = {"actor_token": own, "actor_token_type": ACCESS_TOKEN}
    refused(await exchange(remit, world, scheduler, own, finder.resource, **fields), "invalid_request")
    # A chain that we never wrote, signed with the real key.
    forge, _ = await start(remit)
    levels = [{"sub": f"agt_{number}", "client_id": f"cli_{number}"} for number in range(200)]
    act: dict[str, Any] | None = None
    for level in levels:
        act = {**level, **({"act": act} if act else {})}
    crafted = forge.write(claims={"act": act, "via": {"resource": [world.calendar.uri]}})
    refused(await exchange(remit, world, scheduler, crafted, finder.resource), "invalid_request")
    members = await team(remit, world, *[f"agent-{number}" for number in range(MAX_DEPTH + 1)])
    token = await shown(remit, world)
    for now, then in pairwise(members):
        token = await handed_on(remit, world, now, token, then.resource)
        assert len(token) < 4096
    refused(await exchange(remit, world, members[-1], token, sender.resource), "invalid_request")
    (event,) = [one for one in await remit.events(world) if one["who"].get("jti") == claims_of(token)["jti"]]
    assert event["what"]["chain"] == [world.agent.id, *reversed(acts_of(token))]


RESERVED = {
    "act": {"sub": "agt_x", "client_id": "cli_x"},
    "may_act": {"sub": "agt_x"},
    "via": {"token": ["tok_x"]},
    "sub": "usr_x",
    "tenant": "tnt_x",
    "client_id": "cli_x",
    "agent_id": "agt_x",
    "scope": "delete:calendar",
    "aud": "https://elsewhere.example/",
    "cnf": {"jkt": "x"},
    "grant_id": "grt_x",
    "epo": 10**9,
}


async def test_b_tx_04_no_client_writes_a_claim(remit, three):
    world, (scheduler, finder, _) = remit.acme, three
    await let_in(remit, world)
    made = (await register(remit, world, **{**RESERVED, "scope": "read:calendar"})).json()
    assert not {"act", "may_act", "via", "sub", "tenant", "aud", "cnf", "agent_id", "grant_id"} & made.keys()
    assert made["client_id"] != "cli_x"
    named = {name: json.dumps(value) for name, value in RESERVED.items() if name not in {"scope", "client_id"}}
    wanted = {**named, "claims": json.dumps({"access_token": RESERVED}), "claims_token": json.dumps(RESERVED)}
    subject = await shown(remit, world, **wanted)
    alone = (await act_for_itself(remit, world, world.web, scope=SCOPE, **wanted)).json()["access_token"]
    derived = await handed_on(remit, world, scheduler, subject, finder.resource, **wanted)
    for text, user, client in (
        (subject, world.alice.id, world.web.id),
        (alone, world.agent.id, world.web.id),
        (derived, world.alice.id, scheduler.client.id),
    ):
        claims = claims_of(text)
        assert (claims["sub"], claims["client_id"], claims["tenant"]) == (user, client, world.tenant.id)
        assert set(claims["scope"].split()) == set(SCOPE.split())
        assert "_x" not in json.dumps(claims)
        assert "cnf" not in claims
        assert claims["epo"] < 10**9
    # An administrator cannot have them written either: no API takes a claim.
    assert acts_of(derived) == [scheduler.agent.id]


async def test_b_tx_05_the_children_of_an_agent_stop_with_it(remit, three):
    world, (scheduler, finder, sender) = remit.acme, three
    # The finder acts on at the calendar, whose guard we have.
    first = await handed_on(remit, world, scheduler, await shown(remit, world), finder.resource)
    child = await handed_on(remit, world, finder, first, scheduler.resource)
    other = await handed_on(remit, world, finder, await own_for(remit, world, sender, finder), scheduler.resource)
    async with doors_of(remit, world) as doors:
        assert await doors.which_open(child) == {"guard", "introspection"}
        await stop(remit, world, TargetKind.AGENT, scheduler.agent.id)
        assert await doors.which_open(child) == set()
        refused(await exchange(remit, world, finder, first, sender.resource), "invalid_grant")
        refused(await exchange(remit, world, scheduler, await shown(remit, world), finder.resource), "invalid_grant")
        # Who has nothing to do with it goes on.
        assert await doors.which_open(other) == {"guard", "introspection"}
        await lift(remit, world, TargetKind.AGENT, scheduler.agent.id)
        assert await doors.which_open(child) == set()
        refused(await exchange(remit, world, finder, first, sender.resource), "invalid_grant")


async def own_for(remit, world, member, other):
    """A token that one member got for itself and shows to the other."""
    return await acting_alone(remit, world, member, other.resource, scope="read:calendar")


async def test_b_tx_06_no_chain_crosses_a_tenant(remit, three):
    world, (scheduler, finder, _) = remit.acme, three
    foreign_team = await team(remit, remit.globex, "scheduler", "finder")
    subject, foreign = await shown(remit, world), await shown(remit, remit.globex)
    actor = await acting_alone(remit, remit.globex, foreign_team[0], foreign_team[1].resource)

    async def both(action):
        before = len(await remit.events(remit.globex))
        answer, events = await remit.events_of(world, action)
        return answer, events, (await remit.events(remit.globex))[before:]

    fields = {"actor_token": actor, "actor_token_type": ACCESS_TOKEN}
    answer, here, _ = await both(exchange(remit, world, scheduler, subject, finder.resource, **fields))
    refused(answer, "invalid_request")
    assert [event["type"] for event in here] == ["token.refused"]
    answer, here, there = await both(exchange(remit, world, scheduler, foreign, finder.resource))
    refused(answer, "invalid_request")
    assert [event["who"]["client"] for event in here] == [scheduler.client.id]
    (event,) = there
    assert (event["type"], event["what"]["reason"]) == (
        "token.refused",
        "shown at the token endpoint of another issuer",
    )
    assert event["who"]["jti"] == claims_of(foreign)["jti"]
    # It learns that its token leaked, and nothing about whoever showed it.
    text = str(event)
    assert not [one for one in (world.tenant.id, scheduler.client.id, scheduler.agent.id) if one in text]
    # A claim alone makes nothing: the key decides, and the other tenant hears of what its key signed.
    forge, _ = await start(remit)
    for changed in ({"tenant": remit.globex.tenant.id}, {"iss": remit.globex.issuer}):
        answer, _, there = await both(
            exchange(remit, remit.globex, foreign_team[0], forge.write(claims=changed), foreign_team[1].resource)
        )
        refused(answer, "invalid_request")
        assert len(there) <= 1
    edited = forge.write(claims={"iss": remit.globex.issuer, "tenant": remit.globex.tenant.id})
    answer, _, there = await both(exchange(remit, world, scheduler, edited, finder.resource))
    refused(answer, "invalid_request")
    assert there == []


async def test_b_tx_07_nothing_outlives_what_it_came_from(remit, three):
    world, (scheduler, finder, sender) = remit.acme, three
    subject = await shown(remit, world, scope=f"{SCOPE} offline_access")
    remit.clock.forward(seconds=840)
    answer = await exchange(remit, world, scheduler, subject, finder.resource)
    body = answer.json()
    assert (body["expires_in"], "refresh_token" in body) == (60, False)
    assert claims_of(body["access_token"])["exp"] <= claims_of(subject)["exp"]
    kind = "urn:ietf:params:oauth:token-type:refresh_token"
    refused(
        await exchange(remit, world, scheduler, subject, finder.resource, requested_token_type=kind), "invalid_request"
    )
    second = await handed_on(remit, world, finder, body["access_token"], sender.resource)
    assert claims_of(second)["exp"] <= claims_of(subject)["exp"]
    await stop(remit, world, TargetKind.GRANT, claims_of(subject)["grant_id"])
    for text, member in ((body["access_token"], finder), (second, sender)):
        assert await about(remit, world, text, member) == {"active": False}


async def test_b_tx_08_a_dead_token_is_not_handed_on(remit, three):
    world, (scheduler, finder, _) = remit.acme, three

    async def dead(subject):
        answer = await exchange(remit, world, scheduler, subject, finder.resource)
        assert answer.status_code == 400
        assert answer.json()["error"] in {"invalid_request", "invalid_grant"}

    expired = await shown(remit, world)
    remit.clock.forward(seconds=900)
    await dead(expired)
    revoked = await shown(remit, world)
    assert (await revoke(remit, world, world.web, revoked)).status_code == 200
    await dead(revoked)
    async with remit.browser() as browser:
        await visit(browser, world)
        bound = await shown(remit, world, browser=browser, away="no")
        assert (await exchange(remit, world, scheduler, bound, finder.resource)).status_code == 200
        cookie = next(value for name, value in browser.cookies.items() if name == "__Host-remit_acme")
        await sign_out(world.tenant.id, cookie, remit.deps, HERE)
    await dead(bound)
    orphan = await shown(remit, world)
    sure(
        await set_user_state(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
        )
    )
    await dead(orphan)


async def test_b_jose_01_an_unsigned_token_is_not_handed_on(remit, three):
    world, (scheduler, finder, _) = remit.acme, three
    forge, _ = await start(remit)
    good = await shown(remit, world)
    assert (await exchange(remit, world, scheduler, good, finder.resource)).status_code == 200
    for alg in ("none", "None", "", "HS256", "RS256"):
        bare = forge.unsigned(alg)
        for text in (bare, f"{bare}.", f"{bare}..", forge.write(header={"alg": alg}), forge.mine(alg=alg)):
            refused(await exchange(remit, world, scheduler, text, finder.resource), "invalid_request")
            fields = {"actor_token": text, "actor_token_type": ACCESS_TOKEN}
            refused(await exchange(remit, world, scheduler, good, finder.resource, **fields), "invalid_request")


CRAFTED = {
    "actors without a way": lambda w, m: {"act": write_actors([_actor(m[0])])},
    "a way without the grant's resource": lambda w, m: {
        "act": write_actors([_actor(m[0])]),
        "via": {"resource": [m[1].resource.uri]},
    },
    "a way over what does not exist": lambda w, m: {
        "act": write_actors([_actor(m[0])]),
        "via": {"resource": [w.calendar.uri, "https://gone.example/"]},
    },
    "another newest actor": lambda w, m: {"act": write_actors([_actor(m[1])]), "via": {"resource": [w.calendar.uri]}},
    "a way longer than its actors": lambda w, m: {
        "act": write_actors([_actor(m[0])]),
        "via": {"resource": [w.calendar.uri, m[1].resource.uri]},
    },
    "a way shorter than its actors": lambda w, m: {
        "act": write_actors([_actor(m[0]), _actor(m[1])]),
        "via": {"resource": [w.calendar.uri]},
    },
    "an actor that does not exist": lambda w, m: {
        "act": {**write_actors([_actor(m[0])]), "act": {"sub": "agt_x", "client_id": "cli_x"}},
        "via": {"resource": [w.calendar.uri, w.calendar.uri]},
    },
    "a way and no actor": lambda w, m: {"via": write_via([]), "client_id": m[0].client.id, "agent_id": m[0].agent.id},
}


def _actor(member):
    return Actor(agent=member.agent.id, client=member.client.id)


@pytest.mark.parametrize("crafted", CRAFTED.values(), ids=CRAFTED)
async def test_a_chain_that_does_not_hold_together_is_no_token(remit, three, crafted):
    # Signed with the real key, so nothing but the chain is wrong.
    world, (scheduler, _, _) = remit.acme, three
    forge, _ = await start(remit)
    mine = {"client_id": scheduler.client.id, "agent_id": scheduler.agent.id}
    whole = {"act": write_actors([_actor(scheduler)]), "via": {"resource": [world.calendar.uri]}}
    assert (await about(remit, world, forge.write(claims={**mine, **whole}), scheduler))["active"] is True
    text = forge.write(claims={**mine, **crafted(world, three)})
    assert await about(remit, world, text, scheduler) == {"active": False}
    assert (await userinfo(remit, world, text)).status_code == 401
