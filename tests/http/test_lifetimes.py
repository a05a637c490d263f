"""How long tokens live, as tenant, resource and remit say, at the token endpoint."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remit.core.lifetimes import ChosenLifetimes, Lifetimes
from remit.core.names import AgentId, ResourceId
from remit.core.oauth.verdicts import Refusal
from remit.services.lifetimes import choose_lifetimes, lifetimes_of, shorten_agent, shorten_resource
from tests.http.refusals import refused
from tests.kit.flows import act_for_itself, approve, claims_of, get_tokens, redeem, refresh
from tests.kit.world import SEEDER, sure


async def by_code(remit, world):
    answer = await approve(remit, world, world.web)
    return await redeem(remit, world, world.web, answer.code)


async def by_refresh(remit, world):
    body = (await by_code(remit, world)).json()
    return await refresh(remit, world, world.web, body["refresh_token"])


async def by_itself(remit, world):
    return await act_for_itself(remit, world, world.web)


WAYS = {"authorization_code": by_code, "refresh_token": by_refresh, "client_credentials": by_itself}

RULES = {
    "nobody says anything": ({}, None, None, 900),
    "the tenant alone": ({"access_seconds": 300}, None, None, 300),
    "the tenant, above what the instance gives": ({"access_seconds": 1800}, None, None, 1800),
    "the resource, below the tenant": ({"access_seconds": 300}, 120, None, 120),
    "the resource, above the tenant": ({"access_seconds": 300}, 1200, None, 300),
    "the remit, below the resource": ({}, 600, 90, 90),
    "the remit, above the resource": ({}, 120, 600, 120),
}


async def shorten(remit, world, tenant, resource, agent):
    spot = world.tenant.id, remit.deps, SEEDER
    sure(await choose_lifetimes(*spot, ChosenLifetimes(**tenant)))
    sure(await shorten_resource(*spot, resource=world.calendar.id, seconds=resource))
    sure(await shorten_agent(*spot, agent=world.agent.id, seconds=agent))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize(("tenant", "resource", "agent", "expected"), RULES.values(), ids=RULES)
async def test_a_token_lives_as_long_as_the_shortest_of_them_says(remit, way, tenant, resource, agent, expected):
    await shorten(remit, remit.acme, tenant, resource, agent)
    body = (await way(remit, remit.acme)).json()
    claims = claims_of(body["access_token"])
    assert (body["expires_in"], claims["exp"] - claims["iat"]) == (expected, expected)


async def test_what_one_tenant_chooses_changes_nothing_in_another(remit):
    await shorten(remit, remit.acme, {"access_seconds": 60, "refresh_idle_days": 1}, 60, 60)
    body = (await by_code(remit, remit.globex)).json()
    assert body["expires_in"] == 900
    remit.clock.forward(seconds=2 * 86400)
    assert (await refresh(remit, remit.globex, remit.globex.web, body["refresh_token"])).status_code == 200


async def test_an_idle_limit_ends_what_is_unused_and_each_refresh_starts_it_anew(remit):
    world = remit.acme
    await shorten(remit, world, {"refresh_idle_days": 2}, None, None)
    body = await get_tokens(remit, world, world.web)
    for _ in range(3):
        remit.clock.forward(seconds=2 * 86400 - 1)
        body = (await refresh(remit, world, world.web, body["refresh_token"])).json()
    remit.clock.forward(seconds=2 * 86400)
    response = await refresh(remit, world, world.web, body["refresh_token"])
    assert refused(response, "invalid_grant") == "the refresh token expired; ask the user again"


@pytest.mark.parametrize(
    "chosen",
    [{"refresh_idle_days": 1}, {"refresh_absolute_days": 1}],
    ids=["unused for too long", "old, however much used"],
)
async def test_a_limit_shortened_now_holds_for_tokens_that_exist(remit, chosen):
    world = remit.acme
    body = await get_tokens(remit, world, world.web)
    remit.clock.forward(seconds=86400)
    await shorten(remit, world, chosen, None, None)
    response = await refresh(remit, world, world.web, body["refresh_token"])
    assert refused(response, "invalid_grant") == "the refresh token expired; ask the user again"
    # It was not spent by that: the administrator who chose too short a time can take it back.
    await shorten(remit, world, {}, None, None)
    assert (await refresh(remit, world, world.web, body["refresh_token"])).status_code == 200


async def test_an_approval_ends_with_the_absolute_limit(remit):
    world = remit.acme
    await shorten(remit, world, {"refresh_absolute_days": 3}, None, None)
    await approve(remit, world, world.web)
    async with remit.deps.db.read(world.tenant.id) as work:
        grant = await work.grants.of_user(world.alice.id, world.web.id, world.calendar.id)
    assert grant.expires_at == remit.clock.now() + timedelta(days=3)


async def test_every_choice_is_told_in_the_log(remit):
    world = remit.acme
    await shorten(remit, world, {"access_seconds": 300}, 120, 90)
    told = {event["type"]: event["what"] for event in await remit.events(world)}
    assert told["tenant.lifetimes_changed"] == {
        "access_seconds": 300,
        "refresh_idle_days": None,
        "refresh_absolute_days": None,
    }
    assert (told["resource.changed"]["uri"], told["resource.changed"]["changed"]) == (
        world.calendar.uri,
        ["token_seconds"],
    )
    assert (told["remit.published"]["version"], told["remit.published"]["token_seconds"]) == (2, 90)
    async with remit.deps.db.read(world.tenant.id) as work:
        after = await work.agents.remit(world.agent.id)
    assert (after.scopes, after.expires_at) == (world.remit.scopes, world.remit.expires_at)


async def test_a_tenant_sees_what_it_chose_and_what_holds(remit):
    world = remit.acme
    chosen = ChosenLifetimes(access_seconds=300)
    holds = sure(await choose_lifetimes(world.tenant.id, remit.deps, SEEDER, chosen))
    assert holds == Lifetimes(access_seconds=300, refresh_idle_days=14, refresh_absolute_days=90)
    assert await lifetimes_of(world.tenant.id, remit.deps) == (chosen, holds)


REFUSED = {
    "a tenant above the cap": (lambda t, d, w: choose_lifetimes(t, d, SEEDER, ChosenLifetimes(access_seconds=1801))),
    "a resource above the cap": (lambda t, d, w: shorten_resource(t, d, SEEDER, resource=w.calendar.id, seconds=1801)),
    "an agent above the cap": (lambda t, d, w: shorten_agent(t, d, SEEDER, agent=w.agent.id, seconds=1801)),
    "a resource of nobody": (lambda t, d, w: shorten_resource(t, d, SEEDER, resource=ResourceId("res_x"), seconds=300)),
    "an agent of nobody": (lambda t, d, w: shorten_agent(t, d, SEEDER, agent=AgentId("agt_x"), seconds=300)),
}


@pytest.mark.parametrize("verb", REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_chosen_changes_nothing(remit, verb):
    world = remit.acme
    before = len(await remit.events(world))
    assert isinstance(await verb(world.tenant.id, remit.deps, world), Refusal)
    assert len(await remit.events(world)) == before


async def test_what_belongs_to_another_tenant_is_not_there(remit):
    ours, theirs = remit.acme, remit.globex
    for verb in (
        shorten_resource(ours.tenant.id, remit.deps, SEEDER, resource=theirs.calendar.id, seconds=300),
        shorten_agent(ours.tenant.id, remit.deps, SEEDER, agent=theirs.agent.id, seconds=300),
    ):
        refusal = await verb
        assert isinstance(refusal, Refusal)
        assert refusal.code == "not_found"
