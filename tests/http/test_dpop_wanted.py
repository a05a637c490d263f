"""Who wants tokens to be bound to a key: a client, a remit or a resource. Each is enough, from the moment on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from remit.core.stops import Target, TargetKind
from remit.services.lifetimes import shorten_agent
from remit.services.provisioning.agents import publish_remit
from remit.services.provisioning.changes import change_client, change_resource
from tests.http.test_dpop import OURS, approved, ask, fresh, itself, redeem, refresh, refused
from tests.kit.delegation import about, exchange, team
from tests.kit.flows import introspect
from tests.kit.world import SEEDER, sure


async def client_wants(remit):
    world = remit.acme
    sure(await change_client(world.tenant.id, remit.deps, SEEDER, replace(world.web, dpop_bound=True)))


async def remit_wants(remit):
    world = remit.acme
    async with remit.deps.db.read(world.tenant.id) as work:
        (held,) = await work.agents.remits(world.agent.id, limit=1)
    sure(
        await publish_remit(
            world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=held.scopes, dpop_bound=True
        )
    )


async def resource_wants(remit):
    world = remit.acme
    sure(await change_resource(world.tenant.id, remit.deps, SEEDER, replace(world.calendar, dpop_bound=True)))


WHO = {"the client": client_wants, "the remit of the agent": remit_wants, "the resource": resource_wants}
EVERYBODY = pytest.mark.parametrize("want", WHO.values(), ids=WHO)
NEEDED = (400, "invalid_dpop_proof")


@pytest.mark.requirement("DPOP-12")
@EVERYBODY
async def test_by_no_grant_type_comes_a_token_without_a_key(remit, want):
    web = remit.acme.web
    first = (await redeem(remit, web, await approved(remit, web))).json()
    code = await approved(remit, web, prompt="consent")
    await want(remit)
    asks = {
        "code": lambda *shown: redeem(remit, web, code, *shown),
        "refresh": lambda *shown: refresh(remit, web, first["refresh_token"], *shown),
        "client credentials": lambda *shown: itself(remit, *shown),
    }
    for name, send in asks.items():
        assert refused(await send()) == NEEDED, name
        # Nothing was spent by that.
        assert (await send(fresh(remit))).json()["token_type"] == "DPoP", name


@pytest.mark.requirement("DPOP-12", "REV-8")
@EVERYBODY
async def test_what_came_before_is_refused_from_then_on(remit, want):
    world, web = remit.acme, remit.acme.web
    bearer = (await itself(remit)).json()["access_token"]
    assert (await introspect(remit, world, bearer))["active"]
    await want(remit)
    assert await introspect(remit, world, bearer) == {"active": False}
    # Guards that read tokens without asking hear of it as of a stop that is over at once.
    async with remit.deps.db.read(world.tenant.id) as work:
        targets = (("client", web.id), ("agent", world.agent.id), ("resource", world.calendar.id))
        (told,) = await work.stops.on([Target(TargetKind(kind), id_) for kind, id_ in targets])
    assert told.lifted_at is not None
    bound = (await itself(remit, fresh(remit))).json()["access_token"]
    assert (await introspect(remit, world, bound))["cnf"] == {"jkt": OURS.thumbprint()}
    assert refused(await ask(remit, web, (), grant_type="client_credentials")) == NEEDED


async def test_a_shorter_lifetime_leaves_the_wish_of_a_remit_alone(remit):
    await remit_wants(remit)
    world = remit.acme
    remit_now = sure(await shorten_agent(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, seconds=120))
    assert (remit_now.dpop_bound, remit_now.token_seconds) == (True, 120)


@pytest.mark.requirement("TX-12", "DPOP-12")
async def test_an_exchange_is_held_to_what_its_target_wants(remit):
    world = remit.acme
    scheduler, finder = await team(remit, world, "scheduler", "finder")
    bearer = (await itself(remit)).json()["access_token"]
    before = (await exchange(remit, world, scheduler, bearer, finder.resource)).json()["access_token"]
    assert (await about(remit, world, before, finder))["active"]
    there = replace(finder.resource, dpop_bound=True)
    sure(await change_resource(world.tenant.id, remit.deps, SEEDER, there))
    assert await about(remit, world, before, finder) == {"active": False}
    bearer = (await itself(remit)).json()["access_token"]
    assert refused(await exchange(remit, world, scheduler, bearer, finder.resource)) == NEEDED
