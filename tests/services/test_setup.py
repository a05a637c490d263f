"""The link that makes the first administrator: once, in time, and only while there is nobody."""

from __future__ import annotations

import asyncio

import pytest

from remit.core.names import Opaque, SecretKind, parse_opaque
from remit.core.oauth.verdicts import Refusal
from remit.core.users import Role, User
from remit.services.provisioning.setup import (
    DONE,
    SPENT,
    check_setup_link,
    create_setup_link,
    redeem_setup_link,
)
from remit.services.provisioning.tenants import create_tenant
from remit.services.provisioning.users import create_user
from remit.services.sessions import SignedInUser, sign_in
from tests.kit.clock import FixedClock
from tests.kit.instance import _open
from tests.kit.world import BASE, HERE, SEEDER, sure

PASSWORD = "long enough to be one"


@pytest.fixture
async def clock():
    return FixedClock()


@pytest.fixture
async def deps(tmp_path, clock):
    """An instance with its default tenant and nobody in it."""
    async with _open(tmp_path / "remit.db", clock) as opened:
        sure(await create_tenant(opened, HERE, slug="default", name="Remit", base_url=BASE))
        yield opened


async def a_token(deps):
    link = await create_setup_link(deps, BASE)
    assert link.startswith(f"{BASE}/setup?token=rmt_su_")
    return link.partition("=")[2]


async def redeem(deps, token, **changes):
    form = {"name": "Root", "email": "root@example.com", "password": PASSWORD, **changes}
    return await redeem_setup_link(deps, HERE, token=token, **form)


async def people(deps):
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug("default")
    async with deps.db.read(tenant.id) as work:
        return await work.users.list()


async def test_the_first_administrator_can_sign_in(deps):
    token = await a_token(deps)
    assert await check_setup_link(deps, token) is None
    user = sure(await redeem(deps, token))
    assert (user.role, await people(deps)) == (Role.ADMIN, (user,))
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug("default")
    signed_in = await sign_in(tenant.id, "root@example.com", PASSWORD, deps, HERE)
    assert isinstance(signed_in, tuple)
    assert isinstance(signed_in[0], SignedInUser)


async def test_a_link_works_once(deps):
    token = await a_token(deps)
    sure(await redeem(deps, token))
    assert await check_setup_link(deps, token) == DONE
    assert await redeem(deps, token, email="other@example.com") == DONE
    assert len(await people(deps)) == 1


@pytest.mark.parametrize("links", [1, 2], ids=["of one link", "of two links"])
async def test_a_race_has_one_winner(deps, links):
    tokens = [await a_token(deps) for _ in range(links)] * (2 // links)
    outcomes = await asyncio.gather(
        *(redeem(deps, token, email=f"root{index}@example.com") for index, token in enumerate(tokens))
    )
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Refusal) for outcome in outcomes) == 1
    assert len(await people(deps)) == 1


async def test_a_link_ends_after_half_an_hour_to_the_second(deps, clock):
    token = await a_token(deps)
    clock.forward(minutes=30, milliseconds=-1)
    assert await check_setup_link(deps, token) is None
    clock.forward(milliseconds=1)
    assert await check_setup_link(deps, token) == SPENT
    assert await redeem(deps, token) == SPENT
    assert await people(deps) == ()


MISTAKES = {
    "a short password": {"password": "short"},
    "no address": {"email": ""},
    "no name": {"name": "  "},
}


@pytest.mark.parametrize("mistake", list(MISTAKES.values()), ids=list(MISTAKES))
async def test_a_mistake_in_the_form_does_not_use_the_link_up(deps, mistake):
    token = await a_token(deps)
    refusal = await redeem(deps, token, **mistake)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "invalid_request"
    sure(await redeem(deps, token))


async def test_a_link_is_no_good_once_somebody_is_there(deps):
    token = await a_token(deps)
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug("default")
    sure(await create_user(tenant.id, deps, SEEDER, email="first@example.com", name="First"))
    assert await redeem(deps, token) == DONE
    assert len(await people(deps)) == 1


def forged(token, **changes):
    opaque = parse_opaque(token, SecretKind.SETUP)
    assert opaque is not None
    parts = {"kind": opaque.kind, "id": opaque.id, "secret": opaque.secret, **changes}
    return Opaque(**parts).text().reveal()


FORGERIES = {
    "nothing": lambda deps, token: "",
    "a changed letter": lambda deps, token: token[:-1] + ("0" if token[-1] != "0" else "1"),
    "another moment under the same tag": lambda deps, token: forged(token, id=deps.fresh.ordinal()),
    "a random secret in the right shape": lambda deps, token: deps.fresh.opaque(SecretKind.SETUP).text().reveal(),
    "another kind of secret": lambda deps, token: forged(token, kind=SecretKind.LOGIN),
}


@pytest.mark.parametrize("forge", list(FORGERIES.values()), ids=list(FORGERIES))
async def test_a_forged_link_makes_nobody_and_leaves_an_event(deps, forge):
    token = forge(deps, await a_token(deps))
    assert await check_setup_link(deps, token) == SPENT
    assert await redeem(deps, token) == SPENT
    assert await people(deps) == ()
    async with deps.db.system() as system:
        tenant = await system.tenant_by_slug("default")
    async with deps.db.read(tenant.id) as work:
        newest = (await work.events.after(-1))[-1]
    assert newest.type == "user.sign_in_refused"


async def test_a_link_of_another_instance_is_none_of_ours(deps, tmp_path, clock):
    async with _open(tmp_path / "other" / "remit.db", clock) as other:
        sure(await create_tenant(other, HERE, slug="default", name="Remit", base_url=BASE))
        foreign = await a_token(other)
    assert await redeem(deps, foreign) == SPENT
