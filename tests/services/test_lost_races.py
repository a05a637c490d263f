"""What becomes of a request whose look at a one-time secret was out of date when it tried to spend it.

On SQLite bodies of works run one after the other, so this takes a store that answers a look with what it saw before:
that is what two transactions on a database with many writers see of each other.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from remit.core.names import SecretKind, parse_opaque
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.code import REPLAYED
from remit.core.oauth.device import USED
from remit.core.oauth.refresh import REUSED
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.services.grants.authorization_code import redeem_code
from remit.services.grants.device_code import redeem_device_code
from remit.services.grants.refresh_token import refresh as refresh_service
from tests.kit.devices import DEVICE_CODE, answer_device, codes, let_devices, poll
from tests.kit.flows import VERIFIER, approve, get_tokens, introspect, redeem, refresh
from tests.kit.world import HERE


class Behind:
    """A repository whose first look is the one that was made before."""

    def __init__(self, real, seen):
        self._real = real
        self._seen = [seen]

    def __getattr__(self, name):
        return getattr(self._real, name)

    async def find(self, id):
        return self._seen.pop() if self._seen else await self._real.find(id)


class Work:
    def __init__(self, real, **behind):
        self._real = real
        for name, seen in behind.items():
            setattr(self, name, Behind(getattr(real, name), seen))

    def __getattr__(self, name):
        return getattr(self._real, name)


class Database:
    def __init__(self, real, **behind):
        self._real = real
        self._behind = behind

    @asynccontextmanager
    async def work(self, tenant):
        async with self._real.work(tenant) as work:
            yield Work(work, **self._behind)


async def seen_before(remit, repository, text, kind):
    opaque = parse_opaque(text, kind)
    assert opaque is not None
    async with remit.deps.db.read(remit.acme.tenant.id) as work:
        return {repository: await getattr(work, repository).find(opaque.id)}


def late(remit, seen):
    return replace(remit.deps, db=Database(remit.deps.db, **seen))


def by_web(remit):
    world = remit.acme
    return Presented(client=world.web.id, proof=Proof.SECRET, value=world.web_secret)


async def refresh_late(remit, seen, text):
    call = TokenCall(grant_type="refresh_token", scopes=None, resources=(), refresh_token=text)
    return await refresh_service(remit.acme.tenant.id, by_web(remit), call, late(remit, seen), HERE)


@pytest.mark.requirement("RT-4")
async def test_who_loses_a_refresh_gets_what_the_winner_got(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    seen = await seen_before(remit, "refresh_tokens", text, SecretKind.REFRESH)
    won = (await refresh(remit, world, world.web, text)).json()["refresh_token"]
    lost = await refresh_late(remit, seen, text)
    assert isinstance(lost, TokenSet)
    assert lost.refresh_token is not None
    assert lost.refresh_token.reveal() == won
    assert (await refresh(remit, world, world.web, won)).status_code == 200


async def test_who_loses_long_after_the_winner_went_on_ends_the_line(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    seen = await seen_before(remit, "refresh_tokens", text, SecretKind.REFRESH)
    won = (await refresh(remit, world, world.web, text)).json()
    last = (await refresh(remit, world, world.web, won["refresh_token"])).json()
    assert await refresh_late(remit, seen, text) == REUSED
    assert await introspect(remit, world, last["access_token"]) == {"active": False}
    assert (await refresh(remit, world, world.web, last["refresh_token"])).status_code == 400
    assert (await remit.events(world, type="token.reuse_detected"))[-1]["what"]["reason"] == "refresh_token_reuse"


@pytest.mark.requirement("RT-4")
async def test_who_loses_after_the_window_ends_the_line(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    seen = await seen_before(remit, "refresh_tokens", text, SecretKind.REFRESH)
    won = (await refresh(remit, world, world.web, text)).json()
    remit.clock.forward(seconds=30)
    assert await refresh_late(remit, seen, text) == REUSED
    assert await introspect(remit, world, won["access_token"]) == {"active": False}


@pytest.mark.requirement("OA-12")
async def test_who_loses_a_code_ends_the_line(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    seen = await seen_before(remit, "codes", code, SecretKind.CODE)
    won = (await redeem(remit, world, world.web, code)).json()
    call = TokenCall(
        grant_type="authorization_code", scopes=None, resources=(), code=code, redirect_uri=None, verifier=VERIFIER
    )
    assert await redeem_code(world.tenant.id, by_web(remit), call, late(remit, seen), HERE) == REPLAYED
    assert await introspect(remit, world, won["access_token"]) == {"active": False}
    issued = await remit.events(world, type="token.issued")
    assert len(issued) == 1


@pytest.mark.requirement("DEV-4")
async def test_who_loses_a_device_code_gets_nothing_and_ends_nothing(remit):
    world = remit.acme
    await let_devices(remit, world)
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    seen = await seen_before(remit, "devices", told["device_code"], SecretKind.DEVICE)
    won = (await poll(remit, world, world.web, told["device_code"])).json()
    call = TokenCall(grant_type=DEVICE_CODE, scopes=None, resources=(), device_code=told["device_code"])
    lost = await redeem_device_code(world.tenant.id, by_web(remit), call, late(remit, seen), HERE)
    assert lost == USED
    assert (await introspect(remit, world, won["access_token"]))["active"]
    assert len(await remit.events(world, type="token.issued")) == 1


async def test_a_successor_that_does_not_open_is_no_lost_answer(remit):
    world = remit.acme
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    won = (await refresh(remit, world, world.web, text)).json()
    for sealed in ("x'00'", "null"):
        remit.sql(
            f"update refresh_token set sealed = {sealed} where tenant = :tenant and state = 'spent'",
            tenant=world.tenant.id,
        )
        again = await refresh(remit, world, world.web, text)
        assert again.json()["error"] == "invalid_grant"
    assert (await refresh(remit, world, world.web, won["refresh_token"])).status_code == 400
    assert await introspect(remit, world, won["access_token"]) == {"active": False}
