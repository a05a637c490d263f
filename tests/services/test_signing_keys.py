"""Keys move on without anybody noticing, and one that leaked ends at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from remit.core.keys import USES, KeyState, KeyUse
from remit.core.names import Kid
from remit.core.oauth.verdicts import Refusal
from remit.core.stops import TargetKind
from remit.services.signing_keys import PUBLISHED_AHEAD, RETIRING_FOR, ROTATE_AFTER, keep_keys, revoke_key, rotate_keys
from tests.kit.flows import act_for_itself, introspect
from tests.kit.instance import instance
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure


@pytest.fixture
async def remit(tmp_path):
    async with instance(tmp_path) as opened:
        yield opened


async def keys_of(remit, use=KeyUse.ACCESS):
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        return [key for key in await work.keys.all() if key.use is use]


async def states(remit, use=KeyUse.ACCESS):
    return sorted(key.state.value for key in await keys_of(remit, use))


async def kid_of(remit, state):
    return next(key.kid for key in await keys_of(remit) if key.state is state)


def published(remit, keys):
    return {key["kid"] for key in remit.deps.keyring.jwks(keys)["keys"]}


async def token(remit):
    return (await act_for_itself(remit, remit.acme, remit.acme.web)).json()["access_token"]


@pytest.mark.requirement("KEY-1")
async def test_next_signs_active_retires_and_a_new_next_is_published(remit):
    before = await keys_of(remit)
    upcoming, old = await kid_of(remit, KeyState.NEXT), await token(remit)
    signing = sure(await rotate_keys(remit.acme.tenant.id, remit.deps, SEEDER))
    assert {(key.use, key.alg) for key in signing} == set(USES)
    assert upcoming in {key.kid for key in signing}
    assert upcoming in published(remit, before), "a key signs that was not published"
    assert await states(remit) == ["active", "next", "retiring"]
    for access in (old, await token(remit)):
        assert (await introspect(remit, remit.acme, access))["active"]
    assert await states(remit, KeyUse.AUDIT) == ["active", "retiring"]


@pytest.mark.requirement("GEN-17", "KEY-1")
async def test_a_second_rotation_waits_until_every_checker_can_know_the_next_key(remit):
    tenant = remit.acme.tenant.id
    sure(await rotate_keys(tenant, remit.deps, SEEDER))
    remit.clock.forward(seconds=(PUBLISHED_AHEAD - timedelta(seconds=1)).total_seconds())
    refused = await rotate_keys(tenant, remit.deps, SEEDER, use=KeyUse.ACCESS)
    assert isinstance(refused, Refusal)
    assert refused.code == "conflict"
    assert await states(remit) == ["active", "next", "retiring"]
    remit.clock.forward(seconds=(timedelta(seconds=1)).total_seconds())
    sure(await rotate_keys(tenant, remit.deps, SEEDER, use=KeyUse.ACCESS))
    assert await states(remit) == ["active", "next", "retiring", "retiring"]


async def test_somebody_in_a_hurry_may_rotate_at_once(remit):
    sure(await rotate_keys(remit.acme.tenant.id, remit.deps, SEEDER))
    sure(await rotate_keys(remit.acme.tenant.id, remit.deps, SEEDER, at_once=True))


@pytest.mark.requirement("GEN-17", "KEY-1")
async def test_a_retiring_key_goes_when_its_last_token_is_past(remit):
    tenant = remit.acme.tenant.id
    sure(await rotate_keys(tenant, remit.deps, SEEDER))
    remit.clock.forward(seconds=(RETIRING_FOR - timedelta(seconds=1)).total_seconds())
    await keep_keys(tenant, remit.deps)
    assert await states(remit) == ["active", "next", "retiring"]
    remit.clock.forward(seconds=(timedelta(seconds=1)).total_seconds())
    await keep_keys(tenant, remit.deps)
    assert await states(remit) == ["active", "gone", "next"]
    gone = await kid_of(remit, KeyState.GONE)
    assert gone not in published(remit, await keys_of(remit))


@pytest.mark.requirement("KEY-1")
async def test_keys_are_rotated_when_they_are_due_and_only_once(remit):
    tenant = remit.acme.tenant.id
    remit.clock.forward(seconds=(ROTATE_AFTER - timedelta(seconds=1)).total_seconds())
    await keep_keys(tenant, remit.deps)
    assert await states(remit) == ["active", "next"]
    remit.clock.forward(seconds=(timedelta(seconds=1)).total_seconds())
    await keep_keys(tenant, remit.deps)
    await keep_keys(tenant, remit.deps)
    assert await states(remit) == ["active", "next", "retiring"]


@pytest.mark.requirement("KEY-1")
async def test_a_revoked_key_ends_its_tokens_and_its_successor_signs(remit):
    leaked, old = await kid_of(remit, KeyState.ACTIVE), await token(remit)
    upcoming = await kid_of(remit, KeyState.NEXT)
    sure(await revoke_key(remit.acme.tenant.id, leaked, remit.deps, SEEDER, reason="it leaked"))
    assert await introspect(remit, remit.acme, old) == {"active": False}
    assert leaked not in published(remit, await keys_of(remit))
    assert await kid_of(remit, KeyState.ACTIVE) == upcoming
    assert await states(remit) == ["active", "gone", "next"]
    assert (await introspect(remit, remit.acme, await token(remit)))["active"]


STATES = {"it signs": KeyState.ACTIVE, "it is next": KeyState.NEXT, "it retires": KeyState.RETIRING}


@pytest.mark.requirement("REV-8", "KEY-1", "GEN-17")
@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
async def test_a_stopped_key_leaves_the_key_set_and_tokens_are_signed_on(remit, state):
    sure(await rotate_keys(remit.acme.tenant.id, remit.deps, SEEDER))
    kid = await kid_of(remit, state)
    await stop(remit, remit.acme, TargetKind.KID, kid)
    keys = (await remit.http.get(f"{remit.acme.issuer}/oauth/jwks")).json()["keys"]
    assert kid not in {key["kid"] for key in keys}
    answer = await act_for_itself(remit, remit.acme, remit.acme.web)
    assert (await introspect(remit, remit.acme, answer.json()["access_token"]))["active"]
    assert {"active", "next"} <= set(await states(remit))


async def test_a_next_key_that_leaked_is_replaced_before_it_signs(remit):
    upcoming, old = await kid_of(remit, KeyState.NEXT), await token(remit)
    sure(await revoke_key(remit.acme.tenant.id, upcoming, remit.deps, SEEDER, reason="it leaked"))
    assert await states(remit) == ["active", "gone", "next"]
    assert (await introspect(remit, remit.acme, old))["active"]


async def test_a_key_of_another_tenant_is_not_there(remit):
    foreign = await kid_of(remit, KeyState.ACTIVE)
    for kid in (foreign, Kid("nothing")):
        refused = await revoke_key(remit.globex.tenant.id, kid, remit.deps, SEEDER, reason="it leaked")
        assert refused == Refusal("not_found", "no such key")
